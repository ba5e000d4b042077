"""The S3 client of a store; imported only where a store is on S3, for boto3's sake."""

from typing import TYPE_CHECKING, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from flux_assets.errors import StoreError
from flux_assets.storage.aws_session import open_aws_session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def build_s3_client(
    *, max_pool_connections: int, checksum: Literal["when_supported", "when_required"]
) -> "S3Client":
    """A client for many threads, with AWS's own credential chain and environment variables.

    Args:
        max_pool_connections: how many threads use it at once.
        checksum: `when_required` for stores that do not know AWS's newer checksums.

    Raises:
        StoreError: the AWS configuration cannot be used.
    """
    config = Config(
        max_pool_connections=max_pool_connections,
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        request_checksum_calculation=checksum,
        response_checksum_validation=checksum,
    )
    try:
        return open_aws_session().client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreError("S3", "connect to", str(error)) from error
