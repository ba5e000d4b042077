"""What passes between assets, steps and runs, through the store alone."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from flux_assets.defs.io_manager import StoreIOManager
from flux_assets.defs.names import Names
from flux_assets.defs.resources import StoreResource
from flux_assets.storage.object_store import run_key, table_key
from flux_assets.storage.parquet import StoredTable, read_parquet, write_parquet
from flux_assets.storage.run_tables import get_run_table
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    get_refresh_job,
    open_shop,
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        yield shop


def _keys(shop: DagsterShop, prefix: str) -> set[str]:
    return {info.key.removeprefix(prefix) for info in shop.store.list(prefix)}


def _get_table(shop: DagsterShop, name: str) -> pd.DataFrame:
    return read_parquet(shop.store.get(table_key(name)).data)


def test_everything_that_a_run_passes_on_lies_in_the_store(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_SHARD_SIZE"] = "3"
    run_id = shop.refresh().run_id
    tables = ["product_catalog.parquet", "image_requests.parquet", "image_plan.parquet"]
    assert _keys(shop, f"runs/{run_id}/") == {
        *(f"{name}.json" for name in tables),
        "conditions.json",
        "refreshed_images.json",
        "refreshed_images.plan_shards.effortless.json",
        "refreshed_images.plan_shards.shards.00000.json",
        "refreshed_images.plan_shards.shards.00001.json",
        "refreshed_images.generate_shard[00000].result.json",
        "refreshed_images.generate_shard[00001].result.json",
    }
    for name in tables:
        table = shop.store.get(table_key(name)).data
        assert get_run_table(shop.store, name, run_id=run_id) == table
        note = json.loads(shop.store.get(run_key(run_id, f"{name}.json")).data)
        assert note == {"sha256": hashlib.sha256(table).hexdigest()}
    name = "refreshed_images.json"
    assert shop.store.get(run_key(run_id, name)).data == shop.store.get(table_key(name)).data
    assert _get_table(shop, "product_catalog.parquet")["product_id"].tolist() == ["001", "002"]


def test_a_run_that_wrote_no_table_loads_the_last_one(shop: DagsterShop) -> None:
    shop.materialize("product_catalog", "image_requests").expect(success=True)
    shop.set_product("003")
    planned = shop.materialize("image_plan").expect(success=True)
    assert planned.metadata_of("image_plan")["new"] == 4, "of the last table, not of the catalog"
    shop.materialize("product_catalog", "image_requests").expect(success=True)
    planned = shop.materialize("image_plan").expect(success=True)
    assert planned.metadata_of("image_plan")["new"] == 6


def test_an_asset_whose_input_was_never_written_says_what_is_missing(shop: DagsterShop) -> None:
    step, told = shop.materialize("image_plan").expect(success=False).failure()
    assert step == "image_plan"
    assert "tables/product_catalog.parquet: there is no such object" in told


def test_a_run_keeps_to_its_own_tables_whatever_another_run_writes(shop: DagsterShop) -> None:
    """The second asset of two runs at once must see what the first of its own run gave."""

    @dg.asset
    def numbers() -> list[int]:
        return [1, 2]

    @dg.asset(deps=[numbers])
    def other_run() -> None:
        shop.store.put(table_key("numbers.json"), b"[40]", content_type="application/json")

    @dg.asset(deps=[other_run])
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    io_manager = StoreIOManager(StoreResource(shop.settings), Names(), form="json")
    result = dg.materialize(
        [numbers, other_run, total], instance=shop.instance, resources={"io_manager": io_manager}
    )
    assert result.output_for_node("total") == 3
    assert shop.store.get(table_key("numbers.json")).data == b"[40]"


def test_two_runs_that_write_one_table_each_go_on_with_their_own(shop: DagsterShop) -> None:
    """The second one comes whole between the first one's two steps."""
    tables = StoreIOManager(StoreResource(shop.settings), Names(), form="parquet")
    sums: list[int] = []

    def run(numbers: list[int], meanwhile: Callable[[], None]) -> None:
        @dg.asset(io_manager_key="tables")
        def first() -> Any:  # noqa: ANN401 - a data frame
            return pd.DataFrame({"number": numbers})

        @dg.asset(deps=[first])
        def pause() -> None:
            meanwhile()

        @dg.asset(ins={"first": dg.AssetIn(input_manager_key="tables")}, deps=[pause])
        def second(first: Any) -> None:  # noqa: ANN401 - a data frame
            sums.append(int(first["number"].sum()))

        dg.materialize([first, pause, second], instance=shop.instance, resources={"tables": tables})

    run([1, 2], lambda: run([40, 2], lambda: None))
    assert sums == [42, 3]


def test_a_run_that_changes_no_table_writes_none(shop: DagsterShop) -> None:
    shop.refresh()
    shop.refresh()  # whose plan says that all is there
    tables = {info.key: info for info in map(shop.store.head, shop.store.list_keys("tables/"))}
    last = shop.refresh().run_id
    for name in ("product_catalog.parquet", "image_requests.parquet", "image_plan.parquet"):
        assert shop.store.head(table_key(name)) == tables[table_key(name)]
        assert shop.store.head(run_key(last, f"{name}.json")).size_bytes < 100
    assert _keys(shop, "runs/replaced/") == set()


def test_tables_keep_their_text_and_numbers(shop: DagsterShop) -> None:
    table = pd.DataFrame({"product_id": ["007", "1e5"], "seed": [2**32 - 1, 0]})
    seen: list[pd.DataFrame] = []

    @dg.asset(io_manager_key="tables")
    def first() -> Any:  # noqa: ANN401 - a data frame
        return table

    @dg.asset(ins={"first": dg.AssetIn(input_manager_key="tables")})
    def second(first: Any) -> None:  # noqa: ANN401 - a data frame
        seen.append(first)

    io_manager = StoreIOManager(StoreResource(shop.settings), Names(), form="parquet")
    dg.materialize([first, second], instance=shop.instance, resources={"tables": io_manager})
    pd.testing.assert_frame_equal(seen[0], table)
    assert shop.store.get(table_key("first.parquet")).data == write_parquet(table)


def test_a_step_that_wants_parts_of_a_table_unpacks_no_more(shop: DagsterShop) -> None:
    seen: list[pd.DataFrame] = []

    @dg.asset(io_manager_key="tables")
    def first() -> Any:  # noqa: ANN401 - a data frame
        return pd.DataFrame({"fingerprint": ["a", "b"], "seed": [1, 2], "prompt": ["x", "y"]})

    @dg.asset(ins={"first": dg.AssetIn(input_manager_key="tables")})
    def second(first: StoredTable) -> None:
        seen.append(first.read(("seed",)))
        seen.append(first.read(("prompt",), where=("fingerprint", {"b", "c"})))

    io_manager = StoreIOManager(StoreResource(shop.settings), Names(), form="parquet")
    dg.materialize([first, second], instance=shop.instance, resources={"tables": io_manager})
    assert [table.to_dict("list") for table in seen] == [{"seed": [1, 2]}, {"prompt": ["y"]}]


@pytest.mark.parametrize(
    "steps",
    [
        ["refreshed_images.generate_shard[00001]", "refreshed_images.summarize"],
        pytest.param(["refreshed_images.summarize", "image_manifest"], marks=pytest.mark.slow),
        pytest.param(["image_manifest"], marks=pytest.mark.slow),
    ],
    ids=", ".join,
)
def test_a_step_that_is_run_again_finds_its_inputs(
    shop: DagsterShop, monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    shop.environ["FLUX_ASSETS_SHARD_SIZE"] = "3"
    parent = shop.refresh()
    for variable, text in shop.environ.items():
        monkeypatch.setenv(variable, text)
    with dg.execute_job(
        dg.reconstructable(get_refresh_job),
        shop.instance,
        reexecution_options=dg.ReexecutionOptions(parent.run_id, steps),
        raise_on_error=True,
    ) as again:
        assert again.success
        done = {event.step_key for event in again.all_events if event.is_step_success}
        assert done == set(steps)
        assert again.run_id != parent.run_id
    assert len(shop.bill()) == 4
    summary = json.loads(shop.store.get(table_key("refreshed_images.json")).data)
    assert sum(summary["counts"].values()) == 4
