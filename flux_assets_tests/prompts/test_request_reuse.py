"""What is taken over from the last table of requests must be what rendering it again would give."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.catalog.product import Product
from flux_assets.catalog.tables import build_products_table
from flux_assets.pictures.photos.search import Accepts
from flux_assets.prompts import request_origins, request_reuse
from flux_assets.prompts.overrides import NO_OVERRIDES, Override, OverridesFile
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.request_origins import DECIDING_DATA, DECIDING_MODULES
from flux_assets.prompts.request_reuse import refresh_requests_table
from flux_assets.prompts.requests_table import REQUESTS_KEY, build_requests_table
from flux_assets.prompts.shots import read_shots
from flux_assets.settings import load_settings
from flux_assets.storage import parquet_file, processes
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import StoredTable, open_table, write_parquet
from flux_assets.storage.parquet_file import NO_NOTES
from flux_assets.storage.table_merge import write_table
from flux_assets.storage.table_parts import TableFolder
from flux_assets_tests.fixtures.photos import draw_photo

SHOTS = """
shots:
  hero: {prompt: "{{ title }} on white"}
  detail: {prompt: "{{ material }} of {{ title }}", only_if: "color"}
  scene: {mode: edit, prompt: "{{ title }} on a table", only_if: "image_url"}
"""
CHAIR = Product(product_id="1", title="Chair", line=2, color="red", material="oak")
LAMP = Product(product_id="2", title="Lamp", line=3)
DESK = Product(product_id="3", title="Desk", line=4, color="grey")  # a detail of no material fails
CATALOG = (CHAIR, LAMP, DESK)

TAKEN_OVER = -1
"""What the last table says of each prompt's length, so that its rows are known again."""


class Shop:
    """Refreshes one table again and again, as runs do."""

    def __init__(self, folder: Path) -> None:
        self.store = DirectoryStore(folder / "store")
        self.settings = load_settings(
            {
                "FLUX_ASSETS_CATALOG": str(folder / "catalog.csv"),
                "FLUX_ASSETS_PHOTO_MAX_AGE_HOURS": "0",
            }
        )
        run = RunIdentity(run_id="run", step="step", is_run_dead=lambda _: False)
        self.ledger = open_ledger(self.settings, self.store, run)

    def refresh(
        self,
        products: Sequence[Product] = CATALOG,
        *,
        shots: str = SHOTS,
        overrides: OverridesFile = NO_OVERRIDES,
        accepts: Accepts = "nothing",
    ) -> list[tuple[str, str]]:
        """Refresh the table, hold it against a whole rendering, and give what was rendered."""
        shots_file = read_shots(shots.encode(), "shots.yaml")
        stored = refresh_requests_table(
            self.settings,
            self.store,
            self.ledger,
            products=StoredTable(write_parquet(build_products_table(products))),
            shots=shots_file,
            overrides=overrides,
            accepts=accepts,
        )
        table = stored.read()
        whole = build_requests_table(
            render_requests(
                self.settings,
                self.store,
                self.ledger,
                products=products,
                shots=shots_file.shots,
                overrides=overrides,
            )
        )
        is_new = table["prompt_characters"] != TAKEN_OVER
        names = [name for name in whole.columns if name != "prompt_characters"]
        pd.testing.assert_frame_equal(table[names], whole[names])
        assert (table["prompt_characters"] == whole["prompt_characters"])[is_new].all()
        self.put(table.assign(prompt_characters=TAKEN_OVER), stored.read_notes())
        rendered = table.loc[is_new, ["product_id", "shot"]]
        return list(rendered.itertuples(index=False, name=None))

    def put(self, table: pd.DataFrame, notes: Mapping[str, str] = NO_NOTES) -> None:
        in_parts = self.settings.partition_by == "bucket"
        folder = TableFolder(self.store, REQUESTS_KEY) if in_parts else None
        self.store.put(REQUESTS_KEY, write_table(table, folder, notes).data, content_type="")


@pytest.fixture(autouse=True, scope="module")
def _several_groups() -> Iterator[None]:
    """Two rows each, so that no table here is unpacked at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_file, "ROWS_A_GROUP", 2)
        yield


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    assert len(shop.refresh()) == 9
    return shop


def _all_of(*products: Product) -> list[tuple[str, str]]:
    return [(it.product_id, shot) for it in products for shot in ("hero", "detail", "scene")]


def test_what_has_not_changed_is_taken_over(shop: Shop) -> None:
    assert shop.refresh() == []


@pytest.mark.parametrize(
    "change", [{"title": "Stool"}, {"color": ""}, {"columns": {"weight": "7"}}], ids=str
)
def test_a_changed_product_is_rendered_again_and_no_other(
    shop: Shop, change: dict[str, str]
) -> None:
    changed = replace(CHAIR, **change)  # type: ignore[arg-type] # of some field
    assert shop.refresh([changed, LAMP, DESK]) == _all_of(changed)
    assert shop.refresh([changed, LAMP, DESK]) == []


def test_products_that_come_go_and_change_places_keep_the_catalogs_order(shop: Shop) -> None:
    vase = replace(LAMP, product_id="9", line=2)
    moved = [replace(DESK, line=3), vase, replace(CHAIR, line=5)]
    assert shop.refresh(moved) == _all_of(vase)


@pytest.mark.parametrize("products", [[CHAIR, DESK], [DESK, LAMP, CHAIR]], ids=["fewer", "moved"])
def test_no_product_is_rendered_for_another_that_is_gone(
    shop: Shop, products: list[Product]
) -> None:
    moved = [replace(product, line=2 + place) for place, product in enumerate(products)]
    assert shop.refresh(moved) == []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One for each process that was started to render."""
    found: list[object] = []
    start = processes._start

    def note(*of: Any) -> Any:  # noqa: ANN401 - whatever starts one
        found.append(of)
        return start(*of)

    monkeypatch.setattr(processes, "count_cores", lambda: 2)
    monkeypatch.setattr(processes, "_start", note)
    return found


MANY = [
    replace(it, product_id=f"{number} {it.product_id}", line=number + 2)
    for number, it in enumerate([CHAIR, LAMP, DESK, replace(CHAIR, title="")] * 8)
]


def test_many_products_are_rendered_by_several_processes_as_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[object]
) -> None:
    monkeypatch.setattr(request_reuse, "_PRODUCTS_AT_ONCE", 3)
    (tmp_path / "mug.jpg").write_bytes(draw_photo("red"))
    last = replace(LAMP, line=99, former_ids=("old",))
    override = Override(line=2, prompt="Better")
    overrides = OverridesFile(overrides={(MANY[3].product_id, "hero"): override}, problems=())
    shop = Shop(tmp_path)
    assert len(shop.refresh([*MANY, last], overrides=overrides)) == 3 * (len(MANY) + 1)
    assert len(started) == 2
    assert set(shop.refresh([*MANY, last], overrides=overrides)) == set(_all_of(MANY[3], last))
    assert len(started) == 2


def test_no_process_is_started_for_few_products_in_however_many_groups(
    tmp_path: Path, started: list[object]
) -> None:
    assert len(Shop(tmp_path).refresh(MANY)) == 3 * len(MANY)
    assert not started


_CATALOGS = st.lists(
    st.builds(
        replace,
        st.sampled_from([CHAIR, LAMP, DESK, replace(LAMP, product_id="9")]),
        title=st.sampled_from(["Chair", "Lamp", ""]),
        color=st.sampled_from(["red", ""]),
        image_url=st.sampled_from(["", "mug.jpg", "none.jpg"]),
        former_ids=st.sampled_from([(), ("old",)]),
    ),
    min_size=1,
    unique_by=lambda product: product.product_id,
)
_OVERRIDES = st.dictionaries(
    st.sampled_from([("2", "hero"), ("3", "detail"), ("3", "scene"), ("7", "hero")]),
    st.sampled_from([Override(line=2, prompt="Better"), Override(line=3, skip=True)]),
)
_PHOTOS = st.sampled_from([draw_photo("red"), draw_photo("blue"), b"no photo"])
_STEPS = st.lists(st.tuples(_CATALOGS, _OVERRIDES, _PHOTOS), min_size=1, max_size=6)
_Steps = list[tuple[list[Product], dict[tuple[str, str], Override], bytes]]


@settings(max_examples=5, deadline=None)
@given(_STEPS)
def test_whatever_changes_the_table_is_as_one_that_is_rendered_whole(steps: _Steps) -> None:
    check_all(steps)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(_STEPS)
def test_whatever_else_changes_the_table_is_as_one_that_is_rendered_whole(steps: _Steps) -> None:
    check_all(steps)


def check_all(steps: _Steps) -> None:
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        for products, overrides, photo in steps:
            (Path(folder) / "mug.jpg").write_bytes(photo)
            shop.refresh(products, overrides=OverridesFile(overrides=overrides, problems=()))


def test_another_shots_file_renders_everything_again(shop: Shop) -> None:
    assert len(shop.refresh(shots=SHOTS.replace("on white", "on grey"))) == 9
    fewer = "".join(SHOTS.splitlines(keepends=True)[:3])
    assert len(shop.refresh(shots=fewer)) == 3


def test_other_code_renders_everything_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_origins, "_code_sha256", lambda: "of the next release")
    assert len(shop.refresh()) == 9


def test_a_product_with_an_override_is_rendered_every_time(shop: Shop) -> None:
    override = OverridesFile(
        overrides={("2", "hero"): Override(line=2, prompt="A better lamp")}, problems=()
    )
    for _ in range(2):
        assert shop.refresh(overrides=override) == _all_of(LAMP)
    assert shop.refresh() == _all_of(LAMP), "what an override gave does not outlive it"
    assert shop.refresh() == []


MUG = replace(CHAIR, image_url="mug.jpg")
SCENE = ("1", "scene")


def test_a_picture_that_is_made_from_a_photo_is_rendered_again_for_another_photo(
    shop: Shop, tmp_path: Path
) -> None:
    photo = tmp_path / "mug.jpg"
    assert shop.refresh([MUG, LAMP]) == _all_of(MUG)
    assert shop.refresh([MUG, LAMP]) == [], "there is no photo still"
    for name in ("red", "blue"):
        photo.write_bytes(draw_photo(name))
        assert shop.refresh([MUG, LAMP]) == [SCENE]
        assert shop.refresh([MUG, LAMP]) == []
    photo.unlink()
    assert shop.refresh([MUG, LAMP]) == [], "the photo that was read before stays"


@pytest.mark.parametrize("fallback", ["fail", "skip", "generate"])
def test_a_photo_that_is_there_at_last_takes_the_place_of_what_stood_in_for_it(
    shop: Shop, tmp_path: Path, fallback: str
) -> None:
    shots = SHOTS.replace("mode: edit,", f"mode: edit, fallback: {fallback},")
    page = tmp_path / "mug.jpg"
    page.write_bytes(b"no photo")
    shop.refresh([MUG, LAMP], shots=shots)
    assert shop.refresh([MUG, LAMP], shots=shots) == []
    page.write_bytes(draw_photo("mug"))
    assert shop.refresh([MUG, LAMP], shots=shots) == [SCENE]


def test_the_second_address_counts_as_soon_as_the_first_one_gives_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    shots = SHOTS.replace("mode: edit,", "mode: edit, source: [image_url, photo],")
    mug = replace(MUG, columns={"photo": "other.jpg"})
    (tmp_path / "mug.jpg").write_bytes(b"no photo")
    (tmp_path / "other.jpg").write_bytes(draw_photo("red"))
    shop.refresh([mug], shots=shots)
    assert shop.refresh([mug], shots=shots) == []
    (tmp_path / "other.jpg").write_bytes(draw_photo("green"))
    assert shop.refresh([mug], shots=shots) == [SCENE]
    (tmp_path / "mug.jpg").write_bytes(draw_photo("blue"))
    assert shop.refresh([mug], shots=shots) == [SCENE]


def test_a_doubted_photo_is_rendered_again_once_it_is_accepted(shop: Shop, tmp_path: Path) -> None:
    mugs = [replace(MUG, product_id=it, image_url=f"{it}.jpg") for it in ("1", "2", "3")]
    for mug in mugs:
        (tmp_path / mug.image_url).write_bytes(draw_photo("mug"))
    shop.refresh(mugs)
    assert shop.refresh(mugs) == []
    assert shop.refresh(mugs, accepts="for_good") == [(it.product_id, "scene") for it in mugs]
    assert shop.refresh(mugs) == []


def test_an_overridden_picture_that_is_made_from_a_photo_is_rendered_every_time(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "mug.jpg").write_bytes(draw_photo("mug"))
    for override in (Override(line=2, prompt="On a chair"), Override(line=2, skip=True)):
        overrides = OverridesFile(overrides={SCENE: override}, problems=())
        for _ in range(2):
            assert shop.refresh([MUG, LAMP], overrides=overrides) == _all_of(MUG)
    assert shop.refresh([MUG, LAMP]) == _all_of(MUG)
    assert shop.refresh([MUG, LAMP]) == []


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_table_of_an_older_release_or_a_damaged_one_is_not_used(
    shop: Shop, *, is_damaged: bool
) -> None:
    if is_damaged:
        shop.store.put(REQUESTS_KEY, b"PAR1", content_type="")
    else:
        shop.put(build_requests_table([]))
    assert len(shop.refresh()) == 9


@pytest.mark.parametrize("title", ["Stool", "Chair"])
def test_a_table_whose_prompts_are_damaged_is_built_anew_whether_something_changes_or_not(
    shop: Shop, title: str
) -> None:
    data = shop.store.get(REQUESTS_KEY).data
    column = pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0).column(6)
    assert column.path_in_schema == "prompt_object"
    begins = column.dictionary_page_offset
    damaged = data[:begins] + bytes(column.total_compressed_size)
    shop.store.put(REQUESTS_KEY, damaged + data[len(damaged) :], content_type="")
    assert len(shop.refresh([replace(CHAIR, title=title), LAMP, DESK])) == 9


_LOAD_WHAT_RENDERS = """
import json, sys
from flux_assets.prompts import rendering, requests_table, shots
from flux_assets.catalog import tables
print(json.dumps([name for name in sys.modules if name.startswith("flux_assets.")]))
"""
_FOLLOWS_FROM_MORE = {"prompts/overrides", "prompts/overrides_table", "prompts/pins"}
"""What they concern is rendered each time."""


def test_a_table_that_moves_to_parts_and_back_renders_nothing_again(shop: Shop) -> None:
    shop.settings = shop.settings.model_copy(update={"partition_by": "bucket"})
    by_bucket = sorted(CATALOG, key=lambda it: bucket_of(it.product_id))
    assert by_bucket != list(CATALOG)
    for _ in range(2):  # from a whole one, and from parts
        assert shop.refresh(by_bucket) == []
        assert open_table(shop.store, REQUESTS_KEY).is_in_parts
    shop.settings = shop.settings.model_copy(update={"partition_by": "product"})
    assert shop.refresh() == []
    assert not open_table(shop.store, REQUESTS_KEY).is_in_parts


_IMPORT = re.compile(r"^from flux_assets\.(catalog)\.(\w+) import", re.MULTILINE)


def _follow_imports(names: set[str]) -> set[str]:
    """These modules of the catalog, and all that they import of it."""
    found = set(names)
    for name in names:
        code = (request_origins._PACKAGE / f"{name}.py").read_text("utf-8")
        imported = {"/".join(parts) for parts in _IMPORT.findall(code)}
        found |= _follow_imports(imported - found)
    return found


def test_every_module_that_a_request_follows_from_is_named() -> None:
    loaded = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _LOAD_WHAT_RENDERS],
        capture_output=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    modules = {
        name.removeprefix("flux_assets.").replace(".", "/") for name in json.loads(loaded.stdout)
    }
    deciding = {
        name for name in modules - _FOLLOWS_FROM_MORE if name.startswith(("prompts/", "image_api/"))
    }
    of_catalog = _follow_imports(
        {"catalog/photo_cells", "catalog/product", "catalog/tables", "catalog/trimming"}
    )
    assert deciding | of_catalog == set(DECIDING_MODULES)
    data = {
        path.relative_to(request_origins._PACKAGE)
        for path in (request_origins._PACKAGE / "prompts").glob("*.yaml")
    }
    assert data == set(map(Path, DECIDING_DATA))


def test_only_a_change_of_a_named_module_counts_as_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "flux_assets"
    shutil.copytree(request_origins._PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(request_origins, "_PACKAGE", package)
    read_code = request_origins._code_sha256.__wrapped__
    before = read_code()

    (package / "errors.py").write_text("# the next release\n")
    (package / "prompts" / "reroll.py").write_text("# the next release\n")
    assert read_code() == before
    for name in (*(f"{module}.py" for module in DECIDING_MODULES), *DECIDING_DATA):
        path = package / name
        path.write_text(f"{path.read_text()}\n# the next release\n")
        assert read_code() != before, name
        before = read_code()
