"""A store that ignores the conditions of writes must not be bought into, however a run starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.careless_s3 import CarelessS3
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop

REFUSED = "it ignores the condition If-None-Match: * of a write"


@pytest.fixture
def shop(
    tmp_path: Path,
    aws_environ: pytest.MonkeyPatch,
    careless_s3: CarelessS3,
    careless_bucket: str,
) -> Iterator[DagsterShop]:
    aws_environ.setenv("AWS_ACCESS_KEY_ID", "invented")
    aws_environ.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    aws_environ.setenv("AWS_ENDPOINT_URL_S3", careless_s3.endpoint)
    with open_shop(tmp_path, aws_environ, "001", "002") as shop:
        shop.environ["FLUX_ASSETS_STORE"] = f"s3://{careless_bucket}"
        yield shop


def test_a_refresh_stops_before_its_first_call(shop: DagsterShop) -> None:
    step, told = shop.failing_refresh().failure()
    assert "generate_shard" in step
    assert REFUSED in told
    assert shop.bill() == []


def test_a_backfill_stops_before_its_first_call(shop: DagsterShop) -> None:
    shop.register_products()
    _, told = shop.materialize("images/hero", partition_key="001").expect(success=False).failure()
    assert REFUSED in told
    assert shop.bill() == []
