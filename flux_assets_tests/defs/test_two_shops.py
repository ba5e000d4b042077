"""`deploy/two_shops` as it is deployed: two code locations in one running Dagster instance."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets_tests.fixtures.live_dagster import LiveDagster, live_dagster, make_deployment

pytestmark = pytest.mark.slow

SHOPS = ("shoes", "bags")
_NAMES = """
query Names {
  repositoriesOrError { ... on RepositoryConnection { nodes {
    location { name }
    jobs { name }
    sensors { name }
    schedules { name }
    assetNodes { assetKey { path } pools }
  } } }
}
"""


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDagster]:
    workplace = make_deployment(tmp_path_factory.mktemp("two-shops"), "two_shops")
    exports = workplace.folder / "exports"
    exports.mkdir()
    for shop in SHOPS:
        rows = [f"{number:03d},{shop} no. {number}" for number in range(1, 4)]
        (exports / f"{shop}.csv").write_text("\n".join(["product_id,title", *rows]))
        (exports / f"{shop}.shots.yaml").write_text('shots: {hero: {prompt: "{{ title }}"}}')
    with live_dagster(workplace) as dagster:
        yield dagster


def test_nothing_of_two_shops_has_the_same_name(dagster: LiveDagster) -> None:
    nodes = dagster.query(_NAMES)["repositoriesOrError"]["nodes"]
    assert {node["location"]["name"] for node in nodes} == set(SHOPS)
    for node in nodes:
        shop = node["location"]["name"]
        named = [item["name"] for kind in ("sensors", "schedules") for item in node[kind]]
        named += [job["name"] for job in node["jobs"] if not job["name"].startswith("__")]
        assert named
        assert all(name.startswith(f"{shop}_") for name in named), named
        assert {asset["assetKey"]["path"][0] for asset in node["assetNodes"]} == {shop}
        pools = {pool for asset in node["assetNodes"] for pool in asset["pools"]}
        assert pools == {f"{shop}_flux_2_max"}


def test_both_refresh_at_once_into_one_store_and_share_the_days_limit(
    dagster: LiveDagster,
) -> None:
    runs = [dagster.launch(f"{shop}_refresh_catalog_images", location=shop) for shop in SHOPS]
    assert {dagster.wait_for_run(run_id) for run_id in runs} == {dg.DagsterRunStatus.SUCCESS}

    folder: Path = dagster.workplace.folder
    for shop in SHOPS:
        hero = dg.AssetKey([shop, "images", "hero"])
        assert dagster.instance.get_materialized_partitions(hero) == {"001", "002", "003"}
        assert dagster.instance.get_dynamic_partitions(f"{shop}_products") == ["001", "002", "003"]
        pictures = folder.glob(f".flux_assets/store/{shop}/images/hero/*/*.png")
        assert len(list(pictures)) == 3
    store = folder / ".flux_assets" / "store"
    assert {path.name for path in store.iterdir() if not path.name.startswith(".")} == {
        *SHOPS,
        "budget",
    }
    [day] = (store / "budget").glob("*.json")
    assert sum(json.loads(day.read_text())["reservations"].values()) == 6
    bill = SimulatorState(folder / ".flux_assets" / "simulator").read_bill()
    assert sorted(line.prompt for line in bill) == sorted(
        f"{shop} no. {number}" for shop in SHOPS for number in range(1, 4)
    )
