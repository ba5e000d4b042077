"""AWS as the environment configures it; imported only where S3 is really used, for boto3's sake."""

import os

import boto3


def open_aws_session() -> boto3.session.Session:
    """A session of its own: boto3's default one is not safe to make from several threads.

    Credentials come by boto3's own chain. The region comes from AWS_REGION first, as in AWS's
    other tools: boto3 knows AWS_DEFAULT_REGION only, and takes on no role without a region.

    Raises:
        BotoCoreError: the configuration names what it does not hold.
    """
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)
