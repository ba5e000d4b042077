"""A shots file that is missing or cannot be used takes down its own assets, nothing else."""

import logging
from pathlib import Path

import dagster as dg
import pytest

from flux_assets_tests.fixtures.dagster_shops import open_shop

TYPO = """
shots:
  hero:
    prompt: "{{ title }}"
    aspect_ration: "1:1"
  wide:
    prompt: "{{ title }}"
"""
NO_TEMPLATE = """
shots:
  hero:
    prompt: "{{ title"
"""


@pytest.mark.parametrize(
    ("shots", "problem", "pictures"),
    [
        (None, "shots.yaml", set()),
        ("", "shots.yaml", set()),
        ("shots: [", "line 1", set()),
        ("shots: {Hero!: {prompt: x}, wide: {prompt: x}}", "takes lower-case", {"images/wide"}),
        (TYPO, "line 5", {"images/hero", "images/wide"}),
        (NO_TEMPLATE, "line 4", {"images/hero"}),
    ],
)
def test_the_location_loads_and_each_asset_says_what_is_wrong(  # noqa: PLR0917 - as of the table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    shots: str | None,
    problem: str,
    pictures: set[str],
) -> None:
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        if shots is None:
            (tmp_path / "shots.yaml").unlink()
        else:
            shop.write_shots(shots)
        with caplog.at_level(logging.ERROR):
            location = dg.Definitions.merge(shop.definitions, dg.Definitions(assets=[neighbour]))
        assert problem in caplog.text
        assert "product_catalog" in caplog.text
        assert len(caplog.records) == 1, "publishing is off, so nothing more cannot be made"
        specs = {
            spec.key.to_user_string(): spec
            for asset in location.resolve_asset_graph().assets_defs
            for spec in asset.specs
        }
        assert {key for key in specs if key.startswith("images/")} == pictures
        assert {"product_catalog", "image_manifest", "neighbour"} <= specs.keys()
        for key, spec in specs.items():
            told = spec.description or ""
            assert (problem in told) == ("CANNOT BE MADE NOW" in told) == (key != "neighbour")


@dg.asset
def neighbour() -> None:
    """Stands beside them."""


def test_what_is_run_all_the_same_fails_with_the_files_error_and_buys_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        shop.register_products()
        shop.write_shots(TYPO)
        step, told = shop.failing_refresh().failure()
        assert step == "product_catalog"
        assert "line 5" in told
        run = shop.materialize("images/wide", partition_key="001")
        assert "line 5" in run.expect(success=False).failure()[1]
        assert shop.bill() == []


def test_once_it_is_mended_all_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        shop.write_shots(TYPO)
        assert shop.definitions.assets
        shop.write_shots(TYPO.replace("aspect_ration", "aspect_ratio"))
        shop.refresh()
        assert shop.partitions("hero") == shop.partitions("wide") == {"001"}
