"""What the launchpad of a refresh shows before anybody has written into it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.snap import JobSnap
from dagster._core.snap.snap_to_yaml import default_values_yaml_from_type_snap

from flux_assets.defs.run_choices import RefreshConfig
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        yield shop


def _launchpad(shop: DagsterShop) -> dict[str, Any]:
    """As the UI asks the web server for it."""
    job = shop.definitions.resolve_job_def("refresh_catalog_images")
    snap = JobSnap.from_job_def(job)
    [mode] = snap.mode_def_snaps
    assert mode.root_config_key is not None
    root = snap.config_schema_snapshot.get_config_snap(mode.root_config_key)
    shown = yaml.safe_load(default_values_yaml_from_type_snap(snap.config_schema_snapshot, root))
    assert isinstance(shown, dict)
    return shown


def test_the_launchpad_shows_every_choice_with_its_default(shop: DagsterShop) -> None:
    choices = _launchpad(shop)["ops"]["refreshed_images"]["config"]
    assert choices.keys() == RefreshConfig.model_fields.keys()
    assert (choices["limit"], choices["max_images"]) == (1_000_000, 500)
    assert shop.refresh(**choices).counts() == {"generated": 4, "calls": 4}


def test_a_limit_written_into_it_is_the_runs(shop: DagsterShop) -> None:
    choices = _launchpad(shop)["ops"]["refreshed_images"]["config"]
    assert shop.refresh(**choices | {"limit": 3}).counts() == {"generated": 3, "calls": 3}
    assert shop.refresh(**choices | {"limit": None}).counts()["calls"] == 1
    shop.set_product("001", title="Armchair")
    _, told = shop.failing_refresh(max_images=0).failure()
    assert "2 pictures" in told


@pytest.mark.parametrize("choices", [{"limit": -1}, {"max_images": -1}, {"limits": 3}])
def test_what_is_no_choice_is_refused_before_the_run(
    shop: DagsterShop, choices: dict[str, int]
) -> None:
    with pytest.raises(dg.DagsterError):
        shop.refresh(**choices)
