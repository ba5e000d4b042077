"""The whole job on S3, in process: what every object carries, and the addresses given out."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.storage.parquet import read_parquet
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PRODUCT = "JWL.7/01"
KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000001"
PUT_ARGS = (
    '{"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": true, "Tagging": "team=catalog",'
    f' "SSEKMSKeyId": "{KEY}"}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Shop:
    """A shop whose store is a new bucket of moto, under a prefix."""

    shop: DagsterShop
    client: "S3Client"
    bucket: str

    def list_keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()


@pytest.fixture
def s3_shop(
    tmp_path: Path, aws_environ: pytest.MonkeyPatch, moto_client: "S3Client", moto_endpoint: str
) -> Iterator[S3Shop]:
    bucket = f"job-{uuid.uuid4()}"
    moto_client.create_bucket(Bucket=bucket)
    aws_environ.setenv("AWS_ENDPOINT_URL_S3", moto_endpoint)
    aws_environ.setenv("AWS_ACCESS_KEY_ID", "invented")
    aws_environ.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    with open_shop(tmp_path, aws_environ, "001", PRODUCT) as shop:
        shop.environ["FLUX_ASSETS_STORE"] = f"s3://{bucket}/some/prefix"
        yield S3Shop(shop=shop, client=moto_client, bucket=bucket)


def test_every_object_that_the_job_puts_is_encrypted_and_tagged_as_asked(s3_shop: S3Shop) -> None:
    s3_shop.shop.environ["FLUX_ASSETS_S3_PUT_ARGS"] = PUT_ARGS
    s3_shop.shop.refresh()

    keys = s3_shop.list_keys()
    assert {key.split("/")[2] for key in keys} == {
        "budget", "images", "ledger", "runs", "store.json", "tables"
    }  # fmt: skip
    for key in keys:
        found = s3_shop.client.head_object(Bucket=s3_shop.bucket, Key=key)
        assert found["ServerSideEncryption"] == "aws:kms", key
        assert found["SSEKMSKeyId"] == KEY, key
        assert found["BucketKeyEnabled"], key
        tags = s3_shop.client.get_object_tagging(Bucket=s3_shop.bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "team", "Value": "catalog"}], key


@pytest.mark.parametrize("name", [pytest.param("", marks=pytest.mark.slow), "acme"])
def test_a_public_url_is_the_base_then_the_shop_and_the_key_without_the_store_s_prefix(
    s3_shop: S3Shop, name: str
) -> None:
    """The base stands for `FLUX_ASSETS_STORE` itself: only its owner knows where a CDN shows it."""
    if name:
        s3_shop.shop.environ["FLUX_ASSETS_SHOP"] = name
    s3_shop.shop.environ["FLUX_ASSETS_PUBLIC_URL"] = "https://cdn.example.com/pictures/"
    refreshed = s3_shop.shop.refresh()

    root = f"some/prefix/{name}".rstrip("/")
    manifest = read_parquet(s3_shop.read(f"{root}/{MANIFEST_KEY}"))
    pictures = {key for key in s3_shop.list_keys() if key.startswith(f"{root}/images/")}
    assert set(manifest["object_uri"]) == {f"s3://{s3_shop.bucket}/{key}" for key in pictures}
    urls = {
        f"https://cdn.example.com/pictures/{quote(key.removeprefix('some/prefix/'))}"
        for key in pictures
    }
    assert len(urls) == 4
    assert set(manifest["url"]) == urls
    events = [plain_metadata(event) for event in refreshed.logged().values()]
    assert {event["url"] for event in events} == urls


@pytest.mark.slow
def test_without_a_public_base_no_url_is_given_out(s3_shop: S3Shop) -> None:
    refreshed = s3_shop.shop.refresh()
    manifest = read_parquet(s3_shop.read(f"some/prefix/{MANIFEST_KEY}"))
    assert not manifest["url"].any()
    assert not [event for event in refreshed.logged().values() if "url" in plain_metadata(event)]
