"""A shop that has grown past a partition for each product is told so by its catalog."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.commands.main import cli
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, Refreshed, open_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    """With three products, where two are many."""
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        monkeypatch.setattr("flux_assets.storage.buckets.MANY_PRODUCTS", 2)
        yield shop


def warnings_of(shop: DagsterShop, run: Refreshed) -> list[str]:
    logged = shop.instance.all_logs(run.run_id)
    return [it.user_message for it in logged if it.level == logging.WARNING]


def test_the_catalog_warns_in_its_log_and_in_its_report(shop: DagsterShop) -> None:
    run = shop.materialize("product_catalog").expect(success=True)
    [told] = warnings_of(shop, run)
    assert "3 products are 3 partitions of each shot" in told
    report = run.metadata_of("product_catalog")["report"]
    assert "3 products are 3 partitions of each shot" in report


def test_a_plan_prints_it_among_the_catalog_s_warnings(
    shop: DagsterShop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in shop.environ.items():
        monkeypatch.setenv(name, text)
    cli.main(["plan"], standalone_mode=False)
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("FLUX_ASSETS_PARTITION_BY=bucket") == 1
