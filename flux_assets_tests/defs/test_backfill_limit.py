"""A backfill of many runs over the day's limit, in a running Dagster instance."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace
from flux_assets_tests.fixtures.live_dagster import LiveDagster, live_dagster

pytestmark = pytest.mark.slow

RUNS = 40
LIMIT = 20
IDS = [f"{number:03d}" for number in range(RUNS)]
HERO = dg.AssetKey(["images", "hero"])
ENVIRON = {
    "FLUX_ASSETS_SHARD_SIZE": "1",  # a run each
    "FLUX_ASSETS_DAILY_IMAGE_LIMIT": str(LIMIT),
}


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    workplace = make_workplace(tmp_path / "shop")
    (workplace.folder / "data/shots.yaml").write_text('shots: {hero: {prompt: "{{ title }}"}}')
    rows = [f"{product_id},Chair {product_id}" for product_id in IDS]
    (workplace.folder / "data/catalog.csv").write_text("\n".join(["product_id,title", *rows]))
    path = workplace.folder / "dagster.yaml"
    config = yaml.safe_load(path.read_text())
    config["concurrency"]["pools"]["default_limit"] = 4  # runs at once, to compete for the limit
    path.write_text(yaml.safe_dump(config))
    return workplace


@pytest.fixture
def dagster(workplace: Workplace) -> Iterator[LiveDagster]:
    planned = workplace.run("refresh", "--limit", "0", **ENVIRON)  # makes the partitions known
    assert planned.exit_code == 0, planned.stderr
    with live_dagster(workplace, **ENVIRON) as dagster:
        yield dagster


def _paid(workplace: Workplace) -> Counter[str]:
    bill = SimulatorState(workplace.folder / ".flux_assets" / "simulator").read_bill()
    return Counter(line.prompt for line in bill)


def _begin_next_day(workplace: Workplace) -> None:
    """Let what was spent have been spent yesterday: the store's day is the file system's."""
    [today] = (workplace.store / "budget").glob("*.json")
    yesterday = date.fromisoformat(today.stem) - timedelta(days=1)
    today.rename(today.with_name(f"{yesterday}.json"))


def test_a_backfill_of_40_runs_stops_at_the_days_limit_and_goes_on_the_next_day(
    dagster: LiveDagster,
) -> None:
    workplace = dagster.workplace
    backfill_id = dagster.backfill(HERO.path, IDS)
    assert dagster.wait_for_backfill(backfill_id) == "COMPLETED_FAILED"
    runs = dagster.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill_id}))
    assert len(runs) == RUNS
    assert sum(run.status == dg.DagsterRunStatus.SUCCESS for run in runs) == LIMIT
    assert _paid(workplace).total() == LIMIT
    [day] = (workplace.store / "budget").glob("*.json")
    assert sum(json.loads(day.read_text())["reservations"].values()) == LIMIT

    made = dagster.instance.get_materialized_partitions(HERO)
    left = sorted(set(IDS) - made)
    assert len(left) == RUNS - LIMIT
    told = {
        record.partition_key: record.asset_observation
        for record in dagster.instance.fetch_observations(HERO, limit=100).records
    }
    assert sorted(str(product_id) for product_id in told) == left
    for observation in told.values():
        assert observation is not None
        assert observation.metadata["outcome"].value == "not_attempted"
        assert f"the daily limit of {LIMIT} sends is spent" in str(observation.description)

    _begin_next_day(workplace)
    assert dagster.wait_for_backfill(dagster.backfill(HERO.path, left)) == "COMPLETED_SUCCESS"
    assert dagster.instance.get_materialized_partitions(HERO) == set(IDS)
    assert _paid(workplace) == {f"Chair {product_id}": 1 for product_id in IDS}
