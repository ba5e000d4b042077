"""How many bytes of its tables a large shop writes for one changed title."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.product_names import NAMED
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.planning.against_store import PLANNED, plan_all
from flux_assets.prompts.catalog_reading import refresh_reading
from flux_assets.prompts.inputs import load_shots
from flux_assets.prompts.overrides import NO_OVERRIDES
from flux_assets.prompts.request_reuse import refresh_requests_table
from flux_assets.prompts.requests_table import read_requests, read_unmade, select_places
from flux_assets.settings import load_settings
from flux_assets.storage.object_store import ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.run_tables import put_run_table
from flux_assets.storage.table_merge import write_table
from flux_assets.storage.table_parts import TableFolder
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.records import make_lineage

SHOTS = """
shots:
  hero: {prompt: "{{ title }} of {{ material }} on a seamless white ground, soft light from above"}
  scene: {prompt: "{{ title }} in a bright room with a wooden floor, in the morning, nobody in it"}
  detail: {prompt: "The surface of {{ title }} from close by, so that its {{ material }} is seen"}
"""


class Shop:
    """Brings the four large tables up to date one after the other, as a refresh does."""

    def __init__(self, folder: Path, store: ObjectStore, products: int) -> None:
        self.store = HookedStore(store)
        self._catalog = folder / "catalog.csv"
        (folder / "shots.yaml").write_text(SHOTS)
        self.settings = load_settings(
            {
                "FLUX_ASSETS_CATALOG": str(self._catalog),
                "FLUX_ASSETS_SHOTS": str(folder / "shots.yaml"),
                "FLUX_ASSETS_PARTITION_BY": "bucket",
            }
        )
        self.titles = {f"SKU-{number:06}": f"Chair {number * 7919}" for number in range(products)}

    def refresh(self) -> Mapping[str, int]:
        """The size of all that is put below `tables/`, by its key."""
        with self._catalog.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["product_id", "title", "category", "price", "material"])
            for number, (product_id, title) in enumerate(self.titles.items()):
                material = ("oak", "ash", "walnut", "steel and leather")[number % 4]
                rows.writerow([product_id, title, f"Chairs {number % 40}", number / 100, material])
        puts: list[str] = []
        self.store.before = lambda operation, key: (
            puts.append(key) if operation == "put" and key.startswith("tables/") else None
        )
        self._refresh()
        return {key: self.store.head(key).size_bytes for key in puts}

    def _refresh(self) -> None:
        settings, store, shots = self.settings, self.store, load_shots(self.settings)
        run = RunIdentity(run_id="run", step="step", is_run_dead=lambda _: False)
        ledger = open_ledger(settings, store, run)
        products = refresh_reading(settings, store, shots).products
        self._put("product_catalog", products)
        requests = refresh_requests_table(
            settings, store, ledger, products=products, shots=shots, overrides=NO_OVERRIDES
        )
        self._put("image_requests", requests)
        plan = plan_all(settings, store, ledger, requests, products.read(PLANNED)).table
        folder = TableFolder(store, table_key("image_plan.parquet"))
        self._put("image_plan", write_table(plan, folder))

        def read(wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
            rows = requests.read(where=("fingerprint", {item.fingerprint for item in wanted}))
            return {it.fingerprint: make_lineage(it) for it in read_requests(rows)}

        asked = select_places(requests.read(RequestIdentity._fields), read_unmade(requests))
        names = plan[list(NAMED)]
        refresh_manifest(store, asked, read, names=names, in_parts=True)

    def _put(self, name: str, table: StoredTable) -> None:
        put_run_table(
            self.store,
            f"{name}.parquet",
            table.data,
            run_id="run",
            content_type="",
            others_run=lambda: False,
        )


def _change_one_title(shop: Shop) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """What is put for all products at first, and then for a title that has changed."""
    first = shop.refresh()
    assert shop.refresh() == {}, "nothing has changed"
    shop.titles["SKU-000012"] = "A better chair"
    return first, shop.refresh()


@pytest.mark.parametrize(
    "any_store",
    ["directory", *(pytest.param(it, marks=pytest.mark.slow) for it in ("moto", "ministack"))],
    indirect=True,
)
def test_one_changed_title_puts_one_part_and_one_index_of_each_table(
    tmp_path: Path, any_store: ObjectStore
) -> None:
    first, changed = _change_one_title(Shop(tmp_path, any_store, 20))
    indexes = [key for key in changed if key.count("/") == 1]
    parts = [key for key in changed if key.count("/") > 1]
    assert len(indexes) == len(parts) == 5, "of four tables, and of the manifest's CSV"
    assert len({key.rpartition("/")[2][:2] for key in parts}) == 1
    assert sum(changed[key] for key in parts) < sum(first.values()) / 10


@pytest.mark.slow
@pytest.mark.parametrize("any_store", ["directory", "moto"], indirect=True)
def test_of_10000_products_one_changed_title_puts_one_percent_of_the_bytes_at_most(
    tmp_path: Path, any_store: ObjectStore
) -> None:
    first, changed = _change_one_title(Shop(tmp_path, any_store, 10_000))
    for kind in (".parquet", ".csv"):
        of_all = sum(size for key, size in first.items() if key.endswith(kind))
        put = sum(size for key, size in changed.items() if key.endswith(kind))
        assert put <= of_all / 100, (kind, put, of_all)
