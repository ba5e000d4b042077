"""An export that has not changed is not read again, and gives what reading it again would give."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog.families import Family
from flux_assets.catalog.known_families import ROWS_SHA256
from flux_assets.catalog.product import Catalog, Product
from flux_assets.catalog.products import Assembly
from flux_assets.catalog.read import read_new_products
from flux_assets.errors import CatalogError, SourceError
from flux_assets.prompts import catalog_reading
from flux_assets.prompts.catalog_reading import (
    PRODUCTS_KEY,
    CatalogReading,
    find_products,
    refresh_reading,
    show_catalog,
)
from flux_assets.prompts.inputs import load_catalog
from flux_assets.prompts.shots import read_shots
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.damage import damage_footer

CATALOGS = Path(__file__).parents[3] / "shared" / "catalogs"
EXPORT = "id,title,price,status\n1,Chair,10,\n,Nameless,3,\n2,Läufer,20,draft\n3,Lamp,30,\n"
SHOTS = 'shots: {hero: {prompt: "{{ title }}"}}'


class Shop:
    """Reads one export again and again, as runs do."""

    def __init__(self, folder: Path) -> None:
        self.export = folder / "export.csv"
        self.export.write_text(EXPORT, "utf-8")
        self.store: ObjectStore = DirectoryStore(folder / "store")
        self.environ = {"FLUX_ASSETS_CATALOG": str(self.export)}
        self.shots = SHOTS

    def read(self) -> CatalogReading:
        """As the asset `product_catalog` does."""
        configured = load_settings(self.environ)
        shots = read_shots(self.shots.encode(), "shots.yaml")
        reading = refresh_reading(configured, self.store, shots)
        self.put(reading.products)
        return reading

    def show(self, *, asks_by_id: bool) -> tuple[Catalog, pd.DataFrame]:
        """As `flux-assets plan` looks at it, without the digests of rows."""
        shots = read_shots(self.shots.encode(), "shots.yaml")
        configured = load_settings(self.environ)
        shown, products = show_catalog(configured, self.store, shots, asks_by_id=asks_by_id)
        return shown, products.read().drop(columns=ROWS_SHA256)

    def load(self) -> Catalog:
        """The same without any store, and without its products."""
        shots = read_shots(self.shots.encode(), "shots.yaml")
        return replace(load_catalog(load_settings(self.environ), shots), products=())

    def find(self, *product_ids: str) -> list[str]:
        """The titles of some products, as far as the last reading's may be used."""
        shots = read_shots(self.shots.encode(), "shots.yaml")
        found = find_products(load_settings(self.environ), self.store, shots, product_ids)
        return [product.title for product in found.values()]

    def put(self, products: StoredTable) -> None:
        """As the I/O manager does."""
        self.store.put(PRODUCTS_KEY, products.data, content_type="application/octet-stream")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were really read."""
    names: list[str] = []

    def listed(data: bytes, name: str, **how: object) -> object:
        names.append(name)
        return read_new_products(data, name, **how)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(catalog_reading, "read_new_products", listed)
    return names


def test_an_unchanged_export_is_read_once_and_gives_the_same(
    shop: Shop, readings: list[str]
) -> None:
    assert shop.find("1") == []
    first = shop.read()
    assert first.product_count == 2
    assert [row.reason for row in first.account.rejected_rows] == ["no_id"]
    assert shop.read() == first
    assert shop.find("3", "9") == ["Lamp"]
    assert readings == ["export.csv"]


@pytest.mark.skipif(not CATALOGS.is_dir(), reason="needs the real exports of ../shared/catalogs")
@pytest.mark.parametrize("path", sorted(CATALOGS.glob("*.[ct]sv")), ids=lambda path: path.name)
def test_every_shared_catalog_is_the_same_from_its_table(
    path: Path, shop: Shop, readings: list[str]
) -> None:
    shop.export.write_bytes(path.read_bytes())
    first = shop.read()
    again = shop.read()
    assert (again, len(readings)) == (first, 1)
    readings.clear()
    shop.store.put(PRODUCTS_KEY, b"", content_type="text/plain")
    assert (shop.read(), len(readings)) == (first, 1)


def _without_variants(catalog: Catalog) -> Catalog:
    left_out = {it: row for it, row in catalog.left_out.items() if row.reason != "variant"}
    return replace(catalog, left_out=left_out)


@pytest.mark.parametrize(
    "rows",
    [
        "simple,1,Chair,1,\nsimple,3,Lamp,1,\n",
        "simple,1,Chair,1,\nsimple,2,Stool,0,\nsimple,,,1,\n",
        "variable,1,Chair,1,\nvariation,1-red,Red chair,1,1\n",
        "simple,1,Chair,1,\nvariation,7-red,Red desk,1,7\n",
    ],
    ids=["plain", "a draft", "a variant", "a variant without its parent"],
)
@pytest.mark.parametrize("asks_by_id", [True, False])
def test_what_is_only_looked_at_is_as_if_it_had_been_read_again(
    rows: str, shop: Shop, *, asks_by_id: bool
) -> None:
    shop.export.write_text(f"Type,SKU,Name,Published,Parent\n{rows}", "utf-8")
    products = shop.read().products
    shown, table = shop.show(asks_by_id=asks_by_id)
    assert table.equals(products.read().drop(columns=ROWS_SHA256))
    if asks_by_id:
        assert shown == shop.load()
    else:
        assert _without_variants(shown) == _without_variants(shop.load())


def _change_title(shop: Shop) -> None:
    shop.export.write_text(EXPORT.replace("Lamp", "Lamq"), "utf-8")


def _rename(shop: Shop) -> None:
    shop.export = shop.export.rename(shop.export.with_name("other.csv"))
    shop.environ["FLUX_ASSETS_CATALOG"] = str(shop.export)


def _name_encoding(shop: Shop) -> None:
    shop.environ["FLUX_ASSETS_CATALOG_ENCODING"] = "cp1252"


def _say(text: str) -> Callable[[Shop], None]:
    def change(shop: Shop) -> None:
        shop.shots = f"{text}\n{SHOTS}"

    return change


@pytest.mark.parametrize(
    "change",
    [
        _change_title,
        _rename,
        _name_encoding,
        _say("columns: {category: status}"),
        _say("include_unpublished: true"),
        _say("one_set_per: row"),
        _say("max_title_characters: 40"),
    ],
)
def test_whatever_the_products_follow_from_has_the_export_read_again(
    change: Callable[[Shop], None], shop: Shop, readings: list[str]
) -> None:
    shop.read()
    change(shop)
    assert shop.find("1") == []
    shop.read()
    assert len(readings) == 2
    shop.read()
    assert len(readings) == 2


def test_other_shots_do_not_have_it_read_again(shop: Shop, readings: list[str]) -> None:
    first = shop.read()
    shop.shots = SHOTS.replace("hero", "detail")
    assert shop.read() == first
    assert len(readings) == 1


def test_other_code_has_it_read_again(
    shop: Shop, readings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.read()
    monkeypatch.setattr(catalog_reading, "_code_sha256", lambda: "other")
    shop.read()
    assert len(readings) == 2


def test_a_table_of_an_older_release_or_a_damaged_one_is_not_used(
    shop: Shop, readings: list[str]
) -> None:
    first = shop.read()
    whole = first.products.data
    for damaged in (
        b"no table",
        whole[: len(whole) // 2],
        write_parquet(first.products.read()),
        whole.replace(b"Chair", b"Choir"),
    ):
        shop.put(StoredTable(damaged))
        assert shop.find("1") == []
        readings.clear()
        assert shop.read() == first
        assert len(readings) == 1


def test_an_account_too_long_to_carry_along_is_given_anew(shop: Shop, readings: list[str]) -> None:
    rejected = "".join(f",Nameless chair number {number},3,\n" for number in range(4_000))
    shop.export.write_text(EXPORT + rejected, "utf-8")
    first = shop.read()
    assert len(first.account.rejected_rows) == 4_001
    assert shop.read() == first
    assert len(readings) == 2


SHOP_EXPORTS = Path(__file__).parents[1] / "fixtures" / "shop_exports"
QUICK = {"etsy.csv", "lightspeed.csv", "shopify_2026.csv"}
EXPORTS = [
    pytest.param(path, id=path.name, marks=[] if path.name in QUICK else pytest.mark.slow)
    for path in sorted(SHOP_EXPORTS.glob("*.csv"))
]


@st.composite
def _change_lines(draw: st.DrawFn, lines: Sequence[bytes]) -> bytes:
    """Below the header some lines are left out, written twice, moved, or have another letter."""
    header, *rows = lines
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(rows) - 1))
        change = draw(st.sampled_from(["leave out", "again", "move", "letter"]))
        row = rows[place]
        if change == "letter":
            letter = draw(st.integers(0, max(0, len(row) - 2)))
            rows[place] = (
                row[:letter] + draw(st.sampled_from([b"x", b",", b""])) + row[letter + 1 :]
            )
        elif change != "again" and len(rows) > 1:
            del rows[place]
        if change in {"again", "move"}:
            rows.insert(draw(st.integers(0, len(rows))), row)
    return b"".join([header, *rows])


@settings(max_examples=6, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("path", EXPORTS)
def test_whatever_rows_change_the_reading_is_as_one_of_an_empty_store(
    path: Path, data: st.DataObject
) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    one_set_per = data.draw(st.sampled_from(["product", "product", "color", "row"]))
    with TemporaryDirectory() as folder:
        shop, other = Shop(Path(folder)), Shop(Path(folder))
        shop.shots = f"one_set_per: {one_set_per}\n{SHOTS}"
        other.shots = shop.shots
        for step in range(3):
            shop.export.write_bytes(data.draw(_change_lines(lines)) if step else b"".join(lines))
            other.store = DirectoryStore(Path(folder) / f"empty-{step}")
            assert _try(_show, shop) == _try(_show, other)
            assert _try(Shop.read, shop) == _try(Shop.read, other)


def _show(shop: Shop) -> tuple[Catalog, object]:
    shown, table = shop.show(asks_by_id=True)
    return shown, table.to_dict("list")


def _try(read: Callable[[Shop], object], shop: Shop) -> object:
    try:
        return read(shop)
    except (CatalogError, SourceError) as error:
        return str(error)


VARIANTS = """Handle,Title,Option1 Name,Option1 Value,Image Src,Status
mug,Mug,Color,Red,mug.jpg,active
mug,,,Blue,,active
cap,Cap,Color,Red,cap.jpg,active
cap,,,Green,,active
tee,Tee,Color,Red,,active
tee,,,White,tee.jpg,active
"""


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the products that were really built of rows."""
    ids: list[str] = []

    def add(assembly: Assembly, family: Family) -> list[Product]:
        products = build(assembly, family)
        ids.extend(product.product_id for product in products)
        return products

    build = Assembly.add
    monkeypatch.setattr(Assembly, "add", add)
    return ids


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (("cap,Cap,", "cap,Hat,"), ["cap"]),
        (("cap,,,Green", "cap,,,Grey"), ["cap"]),
        (("cap,,,Green,,active\n", ""), ["cap"]),
        (("tee.jpg", "other.jpg"), ["tee"]),
        (("cap,Cap,", "new,New,Color,Red,,active\ncap,Cap,"), ["new"]),
        (("mug,Mug,Color,Red,mug.jpg,active\nmug,,,Blue,,active\n", ""), []),
        (("Image Src", "Variant Image"), ["mug", "cap", "tee"]),
    ],
    ids=["title", "variant", "no variant", "picture", "new", "gone", "header"],
)
@pytest.mark.parametrize("partition_by", ["product", "bucket"])
def test_only_products_whose_rows_are_others_are_built_again(
    shop: Shop, built: list[str], partition_by: str, change: tuple[str, str], wanted: list[str]
) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = partition_by
    shop.export.write_text(VARIANTS, "utf-8")
    shop.read()
    built.clear()
    changed = VARIANTS.replace(*change)
    assert changed != VARIANTS
    shop.export.write_text(changed, "utf-8")
    reading = shop.read()
    assert built == wanted
    shop.store = DirectoryStore(shop.export.parent / "empty")
    anew = shop.read()
    assert reading._replace(products=anew.products) == anew
    assert reading.products.read().equals(anew.products.read())


@pytest.mark.parametrize("partition_by", ["product", "bucket"])
@pytest.mark.parametrize("asks_by_id", [True, False])
def test_of_a_changed_export_that_is_only_looked_at_only_the_others_are_built_and_none_is_kept(
    shop: Shop, built: list[str], partition_by: str, *, asks_by_id: bool
) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = partition_by
    shop.export.write_text(VARIANTS, "utf-8")
    shop.read()
    kept = {key: shop.store.get(key).data for key in shop.store.list_keys("")}
    built.clear()
    shop.export.write_text(VARIANTS.replace("cap,Cap,", "cap,Hat,"), "utf-8")
    shown, table = shop.show(asks_by_id=asks_by_id)
    assert built == ["cap"]
    assert {key: shop.store.get(key).data for key in shop.store.list_keys("")} == kept
    assert shown == shop.load()
    assert table.equals(shop.read().products.read().drop(columns=ROWS_SHA256))


@pytest.mark.parametrize("one_set_per", ["color", "row"])
def test_where_one_row_may_be_several_products_all_are_built_again(
    shop: Shop, built: list[str], one_set_per: str
) -> None:
    shop.shots = f"one_set_per: {one_set_per}\n{SHOTS}"
    rows = f"{VARIANTS}pen,Pen,Color,Black,,active\n"
    shop.export.write_text(rows, "utf-8")
    count = shop.read().product_count
    built.clear()
    shop.export.write_text(rows.replace("Cap", "Hat"), "utf-8")
    assert shop.read().product_count == len(built) == count


def test_a_row_that_there_is_something_to_tell_of_is_told_of_each_time(
    shop: Shop, built: list[str]
) -> None:
    title = "Oak " * 100
    shop.export.write_text(f"{EXPORT}4,{title},5,\n", "utf-8")
    first = shop.read()
    assert "titles are too long" in first.account.warnings[0]
    built.clear()
    shop.export.write_text(f"{EXPORT}4,{title},5,\n5,New,6,\n", "utf-8")
    assert shop.read().account.warnings == first.account.warnings
    assert built == ["4", "5"]


@pytest.mark.parametrize("partition_by", ["product", "bucket"])
def test_a_table_of_a_release_whose_products_had_fewer_fields_is_read_anew(
    shop: Shop, partition_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = partition_by
    first = shop.read()
    shop.put(StoredTable(write_parquet(first.products.read().drop(columns="material"))))
    monkeypatch.setattr(catalog_reading, "_code_sha256", lambda: "of the next release")
    again = shop.read()
    assert again.account == first.account
    assert (
        again.products.read()
        .drop(columns=ROWS_SHA256)
        .equals(first.products.read().drop(columns=ROWS_SHA256))
    )


def test_a_table_of_whose_footer_a_letter_is_another_is_of_no_use_for_a_changed_export(
    shop: Shop,
) -> None:
    """No page's checksum is of that."""
    shop.put(StoredTable(damage_footer(shop.read().products.data)))
    shop.export.write_text(EXPORT.replace("Lamp", "Lamq"), "utf-8")
    reading = shop.read()
    shop.store = DirectoryStore(shop.export.parent / "empty")
    assert shop.read() == reading
