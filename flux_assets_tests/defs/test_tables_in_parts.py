"""A shop that is shown by buckets, whose large tables are kept in as many parts."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from flux_assets.planning.last_tables import find_known
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.object_store import TABLE_PARTS_PREFIX, table_key
from flux_assets.storage.parquet import StoredTable, open_table
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop

IDS = ("001", "002", "003", "004", "005", "006")
BUCKETS = sorted(map(bucket_of, IDS))
TABLES = ("product_catalog", "image_requests", "image_plan", "image_manifest")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, *IDS) as shop:
        shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
        yield shop


def move(shop: DagsterShop, partition_by: str) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = partition_by


def open_it(shop: DagsterShop, name: str) -> StoredTable:
    return open_table(shop.store, table_key(f"{name}.parquet"))


def rows_of(shop: DagsterShop) -> dict[str, pd.DataFrame]:
    """Each table's rows, by product and shot."""
    tables = {name: open_it(shop, name).read() for name in TABLES}
    return {
        name: table.sort_values([*{"product_id", "shot"}.intersection(table)], ignore_index=True)
        for name, table in tables.items()
    }


def objects(shop: DagsterShop, prefix: str = "tables/") -> dict[str, bytes]:
    return {key: shop.store.get(key).data for key in shop.store.list_keys(prefix)}


def assert_same(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(before[name], after[name])


@pytest.mark.slow
def test_the_large_tables_are_indexes_of_one_part_for_each_bucket(shop: DagsterShop) -> None:
    shop.refresh()
    for name in TABLES:
        index = open_it(shop, name).read_index()
        assert index
        assert [part.bucket for part in index.parts] == BUCKETS
        assert {part.key.rpartition("/")[0] for part in index.parts} == {f"tables/parts/{name}"}
        assert open_it(shop, name).is_whole()
    assert shop.manifest_rows() == shop.current_rows()
    assert shop.refresh().counts() == {"reused": 12}
    [known] = find_known(shop.store, ["003"])
    assert (known.in_catalog, known.title) == (True, "Chair 003")


@pytest.mark.slow
def test_one_changed_title_writes_one_part_of_each_table(shop: DagsterShop) -> None:
    shop.refresh()
    shop.refresh()  # whose plan says that all is there
    before = objects(shop)
    shop.refresh()
    assert objects(shop) == before
    shop.set_product("003", title="Armchair")
    shop.refresh()
    shop.refresh()
    after = objects(shop)
    assert before.keys() <= after.keys(), "an older part may still be wanted"
    changed = {key for key, data in after.items() if data != before.get(key)}
    assert {key for key in changed if key.endswith(".json")} <= {"tables/refreshed_images.json"}
    bucket = bucket_of("003")
    csv_files = {"tables/image_manifest.csv", f"tables/image_manifest/{bucket}.csv"}
    indexes = {table_key(f"{name}.parquet") for name in TABLES}
    parts = {key for key in changed if key.startswith(TABLE_PARTS_PREFIX)}
    assert {key for key in changed if not key.endswith(".json")} - parts <= csv_files | indexes
    assert {key.rpartition("/")[2][:2] for key in parts} == {bucket}
    assert len(parts) == 5, "the plan had it to buy, and then as stored"


@pytest.mark.slow
def test_a_shop_moves_to_parts_and_back_without_a_call(shop: DagsterShop) -> None:
    move(shop, "product")
    shop.refresh()
    shop.refresh()  # whose plan says that all is there
    whole, rows = objects(shop), rows_of(shop)
    move(shop, "bucket")
    assert shop.refresh().counts() == {"reused": 12}
    assert all(open_it(shop, name).is_in_parts for name in TABLES)
    assert_same(rows_of(shop), rows)
    move(shop, "product")
    assert shop.refresh().counts() == {"reused": 12}
    after = objects(shop)
    assert {key: after[key] for key in whole} == whole, "byte for byte as before"
    assert len(shop.bill()) == 12


@pytest.mark.slow
@pytest.mark.parametrize("to", ["bucket", "product"])
def test_a_step_reads_the_tables_of_either_form(shop: DagsterShop, to: str) -> None:
    """A run is begun in one form, and another step of the shop comes in the other."""
    move(shop, "product" if to == "bucket" else "bucket")
    shop.refresh()
    move(shop, to)
    assert (
        shop.materialize("image_plan").expect(success=True).metadata_of("image_plan")["stored"]
        == 12
    )
    assert open_it(shop, "image_plan").is_in_parts == (to == "bucket")


def damage(shop: DagsterShop, name: str) -> Path:
    index = open_it(shop, name).read_index()
    assert index
    path = shop.folder / "store" / next(it for it in index.parts if it.bucket == BUCKETS[2]).key
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes([data[40] ^ 4]) + data[41:])
    return path


@pytest.mark.slow
def test_damaged_parts_are_built_again_by_the_next_refresh(shop: DagsterShop) -> None:
    shop.refresh()
    shop.refresh()  # whose plan says that all is there
    before = objects(shop)
    for name in ("product_catalog", "image_requests", "image_plan"):
        damage(shop, name)
    assert shop.refresh().counts() == {"reused": 12}
    assert objects(shop) == before


@pytest.mark.slow
def test_a_damaged_part_of_the_manifest_stops_the_run_with_its_name(shop: DagsterShop) -> None:
    shop.refresh()
    path = damage(shop, "image_manifest")
    shop.set_product("003", title="Armchair")
    _, told = shop.failing_refresh().failure()
    assert f"its part {path} has other bytes than were written" in told
    assert "`flux-assets verify --repair` builds it again from the ledger" in told
    assert len(shop.bill()) == 12, "nothing is bought on it"


@pytest.mark.slow
def test_a_backfill_of_another_export_writes_no_table(shop: DagsterShop) -> None:
    shop.refresh()
    before = objects(shop)
    shop.set_product("003", title="Armchair")
    shop.materialize("images/hero", partition_key=bucket_of("003")).expect(success=True)
    assert len(shop.bill()) == 13
    assert objects(shop) == before
