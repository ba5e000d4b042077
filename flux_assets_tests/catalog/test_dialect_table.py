"""The table of dialects is read as a person writes it, and nothing in it is without effect."""

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from flux_assets.catalog.dialect_table import parse_table
from flux_assets.catalog.dialects import is_known_header, load_dialects

TABLE: dict[str, Any] = tomllib.loads(
    files("flux_assets.catalog").joinpath("dialects.toml").read_text("utf-8")
)


def changed(dialect: dict[str, Any]) -> dict[str, Any]:
    table = copy.deepcopy(TABLE)
    table["dialects"] = [{"name": "mine"} | dialect]
    return table


def test_every_dialect_tells_what_it_is_and_how_it_is_recognised() -> None:
    table = load_dialects()
    names = [dialect.name for dialect in table.dialects]
    assert len(set(names)) == len(names)
    for dialect in table.dialects:
        assert dialect.title
        assert dialect.note
        assert dialect.signatures
        assert dialect.fields["product_id"]
        assert dialect.fields["title"]
    assert names[-1] == "google_merchant"


def test_a_recognised_dialect_knows_all_names_that_any_export_may_use() -> None:
    table = load_dialects()
    for dialect in table.dialects:
        own = {name for names in dialect.fields.values() for name in names}
        own |= {name for names in dialect.columns.values() for name in names} | dialect.ignored
        for field, names in table.generic.fields.items():
            known = {*dialect.fields.get(field, ()), *dialect.generic_fields.get(field, ())}
            assert set(names) - known <= own, (dialect.name, field)


@pytest.mark.parametrize(
    ("dialect", "problem"),
    [
        ({"colour": ["x"]}, "mine has colour, which nothing reads"),
        ({"fields": {"name": ["x"]}}, "mine.fields has name"),
        ({"columns": {"kind": ["x"]}}, "mine.columns has kind"),
        ({"fields": {"title": ["Name"], "brand": ["name"]}}, "name means both title and brand"),
        ({"fields": {"title": ["Name"]}, "columns": {"parent": ["NAME"]}}, "means both"),
        ({"recognised": [["@title"]]}, "is recognised by @title"),
        ({"row_types": {"variant": ["a"], "image": ["A"]}}, "is of two kinds"),
        ({"options": [{"pair": []}]}, "mine.options has pair"),
        ({"listed_variants": [{"columns": "x"}]}, "mine.listed_variants has columns"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(dialect: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_table(changed(dialect))


def test_a_dialect_is_added_without_code() -> None:
    table = parse_table(
        changed(
            {
                "recognised": [["@title", "Mein Preis"]],
                "fields": {"product_id": ["Nr."], "title": ["Überschrift"]},
            }
        )
    )
    (mine,) = table.dialects
    assert mine.signatures == ((frozenset({"überschrift"}), frozenset({"meinpreis"})),)
    assert mine.generic_fields["title"] == table.generic.fields["title"]


@pytest.mark.parametrize(
    "header",
    [
        *("Body (HTML)", "name-en_US", "name(en-gb)", "US_Title_Short", "Übergeordnetes Produkt"),
        "item_name[marketplace_id=A1][language_tag=en_US]#1.value",
    ],
)
def test_a_header_of_any_dialect_is_known(header: str) -> None:
    assert is_known_header(header)


@pytest.mark.parametrize("header", ["", "1", "Hat", "price_at", "Oak Tray"])
def test_other_headers_are_not(header: str) -> None:
    assert not is_known_header(header)
