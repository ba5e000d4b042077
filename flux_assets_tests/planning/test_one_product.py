"""What the store says of one product, told of few rows of its tables."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flux_assets.bill.ledger import Ledger
from flux_assets.errors import StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.rows import COLUMNS
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.planning.last_tables import list_product_ids
from flux_assets.planning.one_product import OneProduct, OneShot, read_one_products
from flux_assets.prompts.catalog_reading import PRODUCTS_KEY
from flux_assets.prompts.inputs import load_overrides
from flux_assets.prompts.requests_table import REQUESTS_KEY
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable
from flux_assets_tests.fixtures.last_refresh import leave_tables
from flux_assets_tests.fixtures.masters import CountingStore
from flux_assets_tests.fixtures.purchases import build_call, build_ledger, read_entry
from flux_assets_tests.fixtures.shops import Shop
from flux_assets_tests.fixtures.stored_pictures import buy, key_of, show

SAMPLE = Path(__file__).parents[1] / "samples" / "store_of_former_ids"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two products, of which all is bought and in the manifest."""
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, "001", "002")
    for request in shop.requests().values():
        buy(shop.store, request)
    show(shop.store, *shop.requests().values())
    leave_tables(shop)
    return shop


def read(shop: Shop, *wanted: str, store: ObjectStore | None = None) -> list[OneProduct]:
    settings, store = shop.settings, store or shop.store
    ledger = build_ledger(store, "show")
    return read_one_products(settings, store, ledger, wanted, load_overrides(settings))


def read_shots(shop: Shop, product_id: str) -> dict[str, OneShot]:
    [product] = read(shop, product_id)
    return {it.shot: it for it in product.shots}


def fingerprint_of(shot: OneShot) -> str:
    assert shot.picture is not None
    return str(shot.picture["request_fingerprint"])


def test_a_stored_picture_is_told_with_every_column_and_what_was_paid(shop: Shop) -> None:
    [product] = read(shop, "001")
    assert (product.known.title, product.known.line, product.known.in_catalog) == (
        *("Chair 001", 2),
        True,
    )
    hero, wide = product.shots
    assert (hero.shot, hero.status, hero.reason, wide.shot) == ("hero", "stored", "", "wide")
    assert hero.in_manifest
    assert hero.picture is not None
    assert tuple(hero.picture) == tuple(COLUMNS)
    request = shop.requests()["001", "hero"]
    assert hero.asked == request
    assert hero.picture["object_key"] == key_of(request)
    assert hero.entry is not None
    assert (hero.entry.state, hero.entry.attempts, hero.waiting) == ("stored", 1, None)


def test_what_has_changed_is_told_by_its_fields_beside_the_picture_before(shop: Shop) -> None:
    before = shop.requests()["001", "wide"]
    shop.set_product("001", color="blue")
    leave_tables(shop)
    shots = read_shots(shop, "001")
    assert (shots["hero"].status, shots["wide"].status) == ("stored", "changed")
    assert shots["wide"].reason == "prompt"
    assert fingerprint_of(shots["wide"]) == before.fingerprint
    assert shots["wide"].entry is None, "of what is asked for now"


def test_a_new_product_has_no_picture_and_is_bought_next(shop: Shop) -> None:
    shop.set_product("003")
    leave_tables(shop)
    hero = read_shots(shop, "003")["hero"]
    assert (hero.status, hero.picture, hero.entry) == ("new", None, None)


def _refuse(ledger: Ledger, request: ImageRequest) -> None:
    ledger.record_refused(ledger.claim(request, None), "moderated")


def _lose(ledger: Ledger, request: ImageRequest) -> None:
    paid = ledger.record_reply(ledger.claim(request, None), build_call())
    ledger.record_lost(paid, "its URL has expired")


def _accept(ledger: Ledger, request: ImageRequest) -> None:
    ledger.record_reply(ledger.claim(request, None), build_call())


def _claim(ledger: Ledger, request: ImageRequest) -> None:
    ledger.claim(request, None)


def _forget(ledger: Ledger, request: ImageRequest) -> None:
    for _ in range(2):
        ledger.record_unknown(ledger.claim(request, ledger.read(request.fingerprint)), "no reply")


@pytest.mark.parametrize(
    ("leave", "status", "state_and_wait", "reason"),
    [
        (_refuse, "refused", ("refused", "refused"), "moderated"),
        (_lose, "lost", ("lost", "lost"), "its URL has expired"),
        (_accept, "accepted", ("accepted", ""), ""),
        (_claim, "held", ("claimed", "held"), "claimed by run run-1"),
        (_forget, "held", ("unknown", "held"), "no reply"),
    ],
    ids=lambda it: it.__name__.strip("_") if callable(it) else "",
)
def test_what_came_of_a_call_is_told_as_the_ledger_has_it(
    shop: Shop,
    leave: Callable[[Ledger, ImageRequest], None],
    status: str,
    state_and_wait: tuple[str, str],
    reason: str,
) -> None:
    shop.set_product("003")
    leave(build_ledger(shop.store), shop.requests()["003", "hero"])
    leave_tables(shop)
    hero = read_shots(shop, "003")["hero"]
    assert hero.entry is not None
    waits = hero.waiting.state if hero.waiting else ""
    assert (hero.status, (hero.entry.state, waits)) == (status, state_and_wait)
    assert reason in hero.reason


def test_a_stored_picture_that_is_gone_is_missing(shop: Shop) -> None:
    request = shop.requests()["001", "hero"]
    (shop.folder / "store" / key_of(request)).unlink()
    hero = read_shots(shop, "001")["hero"]
    assert (hero.status, hero.reason) == ("missing", f"{key_of(request)} was stored and is gone")
    assert fingerprint_of(hero) == request.fingerprint, "as the manifest has it"


def test_why_nothing_is_asked_for_is_told(shop: Shop) -> None:
    shop.write_shots(
        "shots:\n"
        '  hero: {prompt: "{{ title }}", only_if: "category == \'Tables\'"}\n'
        '  wide: {prompt: "{{ titel }}"}\n'
    )
    leave_tables(shop)
    shots = read_shots(shop, "001")
    assert shots["hero"].status == "skipped"
    assert "only_if: category is 'Chairs'" in shots["hero"].reason
    assert shots["wide"].status == "error"
    assert "titel" in shots["wide"].reason
    assert fingerprint_of(shots["wide"]), "it is shown still"


def test_what_the_overrides_say_now_is_told_beside_what_was_asked(shop: Shop) -> None:
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    Path("overrides.csv").write_text("product_id,shot,take,skip\n001,hero,3,\n001,,,yes\n")
    shots = read_shots(shop, "001")
    assert (shots["hero"].override.line, shots["hero"].override.take) == (2, 3)
    assert (shots["wide"].override.line, shots["wide"].override.skip) == (3, True)
    assert shots["hero"].asked == shop.requests()["001", "hero"]


def test_a_picture_bought_by_itself_is_told_before_the_manifest_has_it(shop: Shop) -> None:
    shop.set_product("001", title="Stool")
    leave_tables(shop)
    request = shop.requests()["001", "hero"]
    buy(shop.store, request)
    hero = read_shots(shop, "001")["hero"]
    assert (hero.status, hero.in_manifest) == ("stored", False)
    assert fingerprint_of(hero) == request.fingerprint
    assert hero.picture is not None
    assert tuple(hero.picture) == tuple(COLUMNS)


def test_of_a_product_that_is_gone_the_newest_pictures_are_told(shop: Shop) -> None:
    shop.set_product("002", title="Stool")
    newer = shop.requests()["002", "hero"]
    buy(shop.store, newer, at="2026-03-02")
    shop.remove_product("002")
    leave_tables(shop)
    (shop.folder / "store" / MANIFEST_KEY).unlink()
    show(shop.store, *shop.requests().values())
    [product] = read(shop, "002")
    assert (product.is_known, product.known.in_catalog) == (True, False)
    assert [(it.shot, it.status) for it in product.shots] == [
        ("hero", "not_asked"),
        ("wide", "not_asked"),
    ]
    assert fingerprint_of(product.shots[0]) == newer.fingerprint


def test_without_a_refresh_pictures_are_told_by_the_ledger_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, "001")
    request = shop.requests()["001", "hero"]
    buy(shop.store, request)
    [product] = read(shop, "001")
    assert product.known.in_catalog is None
    assert [(it.shot, it.status, fingerprint_of(it)) for it in product.shots] == [
        ("hero", "not_asked", request.fingerprint)
    ]


def test_a_row_that_was_not_taken_is_told_by_its_line(shop: Shop) -> None:
    shop.set_product("003", title="")
    leave_tables(shop)
    [product] = read(shop, "003")
    assert [(it.line, it.reason) for it in product.rejected_rows] == [(4, "no_title")]
    assert (product.is_known, product.shots) == (True, ())


def test_several_are_told_in_the_order_asked_each_once_and_the_unknown_too(shop: Shop) -> None:
    products = read(shop, "002", "no such", "001", '="002"')
    assert [(it.known.product_id, it.is_known) for it in products] == [
        ("002", True),
        ("no such", False),
        ("001", True),
    ]
    assert list_product_ids(shop.store) == ["001", "002"]


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A store that a release wrote which read ids otherwise."""
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path)
    shutil.copytree(SAMPLE, tmp_path, dirs_exist_ok=True)
    return shop


@pytest.mark.parametrize("written", ["MU\u0308-1", "MÜ-1", "\u200bMÜ-1"])
@pytest.mark.parametrize("is_refreshed", [False, True])
def test_a_renamed_product_is_found_by_its_old_and_its_new_id(
    former: Shop, written: str, *, is_refreshed: bool
) -> None:
    if is_refreshed:
        leave_tables(former)
    [product] = read(former, written)
    assert product.known.product_id == "MÜ-1"
    [hero] = product.shots
    assert hero.status == ("stored" if is_refreshed else "not_asked")
    assert fingerprint_of(hero).startswith("503f3ef6")


def test_a_former_id_that_is_read_as_another_now_finds_its_product(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As releases find by a rule that nobody who asks knows."""
    monkeypatch.setattr("flux_assets.catalog.entries.list_former_ids", lambda *_: ("old/001",))
    shop.set_product("009")
    shop.remove_product("001")
    shop.remove_product("002")
    leave_tables(shop)
    [product] = read(shop, " old/001")
    assert (product.known.product_id, product.known.ids) == ("009", ("009", "old/001"))


def test_it_is_only_looked_at_and_no_other_rows_are_unpacked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = []
    unwatched = StoredTable.read

    def watch(self: StoredTable, columns=None, *, where=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as it is
        if where is None:
            whole.append(columns)
        return unwatched(self, columns, where=where)

    monkeypatch.setattr(StoredTable, "read", watch)
    store = CountingStore(shop.folder / "store")
    assert len(read(shop, "001", "002", "003", store=store)) == 3
    assert (whole, store.puts) == ([], [])


@pytest.mark.parametrize("key", [PRODUCTS_KEY, REQUESTS_KEY])
def test_a_damaged_table_is_told_with_what_writes_it_anew(shop: Shop, key: str) -> None:
    shop.store.put(key, b"PAR1", content_type="")
    with pytest.raises(StoreError, match="damaged; the next refresh writes it anew"):
        read(shop, "001")


def test_a_picture_without_its_note_in_the_ledger_is_stored_all_the_same(shop: Shop) -> None:
    shop.set_product("003")
    request = shop.requests()["003", "hero"]
    buy(shop.store, request, noted=False)
    leave_tables(shop)
    hero = read_shots(shop, "003")["hero"]
    assert (hero.status, hero.picture) == ("stored", None)
    assert key_of(request) in hero.reason
    assert read_entry(DirectoryStore(shop.folder / "store"), request).state == "accepted"
