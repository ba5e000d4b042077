"""dagster-aws's S3 resource with a connection pool that fits many threads; loads boto3."""

from typing import Any, Literal

from dagster_aws.s3 import S3Resource

from flux_assets.storage.s3_client import build_s3_client


class PooledS3Resource(S3Resource):
    """Credentials, region and endpoint come the AWS way, from environment, profile or role."""

    max_pool_connections: int
    checksum: Literal["when_supported", "when_required"]

    def get_client(self) -> Any:  # noqa: ANN401 - as in the base class
        """A client for as many threads as the pool has connections."""
        return build_s3_client(
            max_pool_connections=self.max_pool_connections, checksum=self.checksum
        )
