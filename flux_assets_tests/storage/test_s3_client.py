from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
import pytest

from flux_assets.errors import StoreError
from flux_assets.storage.s3 import S3Store
from flux_assets.storage.s3_client import build_s3_client
from flux_assets_tests.fixtures.stores import CannedS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGE = 9 * 1024 * 1024


@pytest.mark.parametrize(
    ("checksum", "announced", "confirmed"),
    [("when_supported", "CRC32", 2), ("when_required", "", 0)],
)
def test_the_checksums_of_parts_are_announced_and_confirmed(
    ministack_endpoint: str,
    aws_environ: pytest.MonkeyPatch,
    checksum: Literal["when_supported", "when_required"],
    announced: str,
    confirmed: int,
) -> None:
    sent: dict[str, Any] = {}

    def record(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 # botocore's
        sent[model.name] = params

    aws_environ.setenv("AWS_ENDPOINT_URL_S3", ministack_endpoint)
    aws_environ.setenv("AWS_ACCESS_KEY_ID", "invented")
    aws_environ.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    client = build_s3_client(max_pool_connections=1, checksum=checksum)
    client.create_bucket(Bucket=checksum.replace("_", "-"))
    client.meta.events.register("before-call.s3", record)
    store = S3Store(client, bucket=checksum.replace("_", "-"))
    store.put("a", bytes(LARGE), content_type="image/png")
    client.close()

    created = sent["CreateMultipartUpload"]["headers"]
    assert created.get("x-amz-checksum-algorithm", "") == announced
    assert sent["CompleteMultipartUpload"]["body"].count(b"<ChecksumCRC32>") == confirmed


@pytest.mark.usefixtures("aws_environ")
def test_missing_credentials_are_a_store_error(canned_s3: CannedS3) -> None:
    client = boto3.session.Session().client("s3", endpoint_url=canned_s3.endpoint)

    with pytest.raises(StoreError, match="credentials"):
        S3Store(client, bucket="bucket").put("a", b"", content_type="text/plain")

    assert canned_s3.received == []


def test_the_client_takes_endpoint_and_profile_from_the_environment(
    aws_environ: pytest.MonkeyPatch, tmp_path: Path, canned_s3: CannedS3
) -> None:
    (tmp_path / "credentials").write_text(
        "[catalog]\naws_access_key_id = of-the-profile\naws_secret_access_key = invented\n"
    )
    aws_environ.setenv("AWS_PROFILE", "catalog")
    aws_environ.setenv("AWS_ENDPOINT_URL_S3", canned_s3.endpoint)

    client = build_s3_client(max_pool_connections=1, checksum="when_required")
    S3Store(client, bucket="bucket").put("a", b"", content_type="text/plain")
    client.close()

    assert "Credential=of-the-profile/" in canned_s3.received[0]["Authorization"]
    assert "x-amz-checksum-crc32" not in canned_s3.received[0]


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_comes_from_the_environment(
    aws_environ: pytest.MonkeyPatch, variable: str
) -> None:
    aws_environ.delenv("AWS_REGION")
    aws_environ.setenv(variable, "eu-central-1")

    client = build_s3_client(max_pool_connections=1, checksum="when_supported")

    assert client.meta.region_name == "eu-central-1"
    client.close()


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_PROFILE", "absent"), ("AWS_ENDPOINT_URL_S3", "not a URL")]
)
def test_a_wrong_aws_configuration_is_a_store_error(
    aws_environ: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    aws_environ.setenv(variable, value)

    with pytest.raises(StoreError, match=value):
        build_s3_client(max_pool_connections=1, checksum="when_supported")


def test_the_client_is_patient_within_bounds_and_as_wide_as_asked(
    moto_client: "S3Client",
) -> None:
    config: Any = moto_client.meta.config

    assert config.max_pool_connections == 16
    assert (config.connect_timeout, config.read_timeout) == (10, 60)
    assert config.retries == {"mode": "standard", "total_max_attempts": 5}
    assert config.request_checksum_calculation == "when_supported"
    assert config.response_checksum_validation == "when_supported"
