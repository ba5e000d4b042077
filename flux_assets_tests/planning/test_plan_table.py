from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog.product import Product, RejectedRow
from flux_assets.catalog.tables import (
    build_products_table,
    build_rejected_rows_table,
    read_products,
)
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.planning.plan_table import (
    PLAN_KEY,
    PlanRow,
    build_plan_table,
    read_plan_rows,
    refresh_plan_table,
)
from flux_assets.prompts.requests import Skipped
from flux_assets.prompts.requests_table import (
    build_requests_table,
    read_requests,
    read_unmade,
    select_identities,
    select_places,
    select_unmade,
    select_wanted,
)
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import StoredTable, read_parquet, write_parquet
from flux_assets_tests.fixtures.damage import damage_footer
from flux_assets_tests.fixtures.records import identify, make_request

AWKWARD = [
    *("", " ", "00123", "1e5", "-0", "0x10", "NaN", "nan", "None", "null", "N/A", "True", "inf"),
    *("a|b", "a,b", '"quoted"', "two\nlines", "tab\t", "nul\0", "Müller & Söhne", "🦆", "\u200b"),
    *("=1+1", "{{ title }}", "\\N", "2030-01-01", "١٢٣"),
]


def _product(text: str) -> Product:
    return Product(
        product_id=text,
        title=text,
        line=2,
        description=text,
        color=text,
        price=text,
        columns={text: text, "weight": "007"},
    )


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_awkward_text_comes_through_every_table_unchanged(text: str) -> None:
    products = [_product(text), _product(f"{text}2")]
    table = read_parquet(write_parquet(build_products_table(products)))
    assert list(read_products(table)) == products

    requests = [make_request(text, "hero", text), make_request("p2", "hero", text)]
    table = read_parquet(write_parquet(build_requests_table(requests)))
    assert list(read_requests(table)) == requests


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_any_text_comes_through_the_products_table(texts: list[str]) -> None:
    products = [_product(text) for text in texts]
    table = read_parquet(write_parquet(build_products_table(products)))
    assert list(read_products(table)) == products


def test_requests_keep_their_numbers_kinds_and_fingerprints() -> None:
    request = make_request(seed=2**32 - 1, guidance=2.5, steps=15, prompt_upsampling=True)
    table = read_parquet(write_parquet(build_requests_table([request])))
    [read] = read_requests(table)
    assert read == request
    assert [type(read.take), type(read.shot_version)] == [int, int]
    assert {name: type(value) for name, value in read.prompt_object.items()} == {
        name: type(value) for name, value in request.prompt_object.items()
    }
    assert select_identities(table).values.tolist() == [list(identify(request))]


def test_a_prompt_that_cannot_be_rendered_stands_in_the_table_but_is_no_request() -> None:
    good = make_request("00124")
    error = PromptError("00123", "hero", "the field 'color' is empty", field="color")
    table = read_parquet(write_parquet(build_requests_table([error, good])))
    assert table["error"].tolist() == ["the field 'color' is empty", ""]
    assert table["product_id"].tolist() == ["00123", "00124"]
    assert list(read_requests(table)) == [good]
    assert select_identities(table).values.tolist() == [list(identify(good))]


def test_who_has_a_place_and_who_is_to_have_a_picture_keep_their_order() -> None:
    made = make_request("4")
    rows: list[ImageRequest | Skipped | PromptError] = [
        Skipped(product_id="1", shot="hero", reason="only_if", message=""),
        PromptError("2", "hero", "the field 'color' is empty", field="color"),
        Skipped(product_id="3", shot="hero", reason="skip", message=""),
        made,
        Skipped(product_id="5", shot="hero", reason="only_if", message=""),
        PromptError("6", "hero", "the field 'color' is empty", field="color"),
    ]
    table = StoredTable(write_parquet(build_requests_table(rows)))
    identities, unmade = table.read(RequestIdentity._fields), read_unmade(table)
    places, wanted = (choose(identities, unmade) for choose in (select_places, select_wanted))
    assert places["product_id"].tolist() == ["2", "3", "4", "6"]
    assert wanted["product_id"].tolist() == ["2", "4", "6"]
    assert places["fingerprint"].tolist() == ["", "", made.fingerprint, ""]
    assert select_unmade(table.read()).to_dict("list") == unmade.to_dict("list")


def test_a_plan_comes_back_row_by_row() -> None:
    hero, wide = (identify(make_request("00123", shot)) for shot in ("hero", "wide"))
    rows = (
        PlanRow(*hero, "stored", object_key="images/hero/00123/ab.png", category="Rings"),
        PlanRow(*wide, "refused", reason="moderated | twice"),
    )
    table = read_parquet(write_parquet(build_plan_table(rows)))
    assert tuple(read_plan_rows(table)) == rows


def test_rejected_rows_are_listed_with_everything_there_is_to_know() -> None:
    row = RejectedRow(
        file="catalog.csv",
        line=7,
        column="Handle",
        reason="no_id",
        message="give it one",
    )
    table = read_parquet(write_parquet(build_rejected_rows_table([row])))
    assert table.to_dict("records") == [
        {
            "file": "catalog.csv",
            "line": 7,
            "column": "Handle",
            "reason": "no_id",
            "message": "give it one",
            "product_id": "",
        }
    ]


def test_an_empty_catalog_gives_empty_tables() -> None:
    products, requests, rows, rejected = (
        read_parquet(write_parquet(table))
        for table in (
            build_products_table([]),
            build_requests_table([]),
            build_plan_table(()),
            build_rejected_rows_table([]),
        )
    )
    assert list(read_products(products)) == []
    assert list(read_requests(requests)) == []
    assert select_identities(requests).empty
    assert list(read_plan_rows(rows)) == []
    assert len(rejected) == 0


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_plan_that_says_the_same_is_not_written_again(tmp_path: Path, *, in_parts: bool) -> None:
    store = DirectoryStore(tmp_path)
    hero, wide = (identify(make_request("00123", shot)) for shot in ("hero", "wide"))
    plan = build_plan_table([PlanRow(*hero, "stored"), PlanRow(*wide, "new")])
    first = refresh_plan_table(store, plan, in_parts=in_parts)
    store.put(PLAN_KEY, first.data, content_type="")
    before = _list_times(tmp_path)
    again = refresh_plan_table(store, plan.copy(), in_parts=in_parts)
    assert again.data == first.data
    assert _list_times(tmp_path) == before
    changed = build_plan_table([PlanRow(*hero, "stored"), PlanRow(*wide, "held")])
    written = refresh_plan_table(store, changed, in_parts=in_parts)
    assert written.read()["status"].tolist() == ["stored", "held"]


@pytest.mark.parametrize("moves_to_parts", [False, True])
def test_a_plan_moves_to_parts_and_back(tmp_path: Path, *, moves_to_parts: bool) -> None:
    store = DirectoryStore(tmp_path)
    plan = build_plan_table([PlanRow(*identify(make_request("00123")), "stored")])
    first = refresh_plan_table(store, plan, in_parts=not moves_to_parts)
    store.put(PLAN_KEY, first.data, content_type="")
    moved = refresh_plan_table(store, plan, in_parts=moves_to_parts)
    assert moved.is_in_parts == moves_to_parts
    assert tuple(read_plan_rows(moved.read())) == tuple(read_plan_rows(plan))


@pytest.mark.parametrize("damage", ["lost", "torn", "older"])
def test_a_plan_that_lost_a_part_or_is_no_table_is_written_again(
    tmp_path: Path, damage: str
) -> None:
    store = DirectoryStore(tmp_path)
    plan = build_plan_table([PlanRow(*identify(make_request("00123")), "stored")])
    first = refresh_plan_table(store, plan, in_parts=True)
    store.put(PLAN_KEY, first.data, content_type="")
    [part] = (tmp_path / "tables" / "parts").rglob("*.parquet")
    if damage == "lost":
        part.unlink()
    elif damage == "torn":
        store.put(PLAN_KEY, first.data[:-20], content_type="")
    else:
        store.put(PLAN_KEY, write_parquet(plan), content_type="")
    written = refresh_plan_table(store, plan, in_parts=True)
    assert written.is_whole()
    assert tuple(read_plan_rows(written.read())) == tuple(read_plan_rows(plan))


def test_a_plan_of_whose_footer_a_letter_is_another_is_written_again(tmp_path: Path) -> None:
    """No page's checksum is of that."""
    store = DirectoryStore(tmp_path)
    plan = build_plan_table([PlanRow(*identify(make_request("00123")), "stored")])
    first = refresh_plan_table(store, plan, in_parts=False)
    store.put(PLAN_KEY, damage_footer(first.data), content_type="")
    written = refresh_plan_table(store, plan, in_parts=False)
    assert tuple(read_plan_rows(written.read())) == tuple(read_plan_rows(plan))


def _list_times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
