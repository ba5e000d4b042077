"""`dialects.toml` -> dialects: read, checked, and joined with what any export may use."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, get_args

from flux_assets.catalog.dialect import (
    Dialect,
    DialectTable,
    ListedVariants,
    OptionRule,
    RowKind,
)
from flux_assets.catalog.names import squash_name

_FIELDS = frozenset(
    {"product_id", "title", "description", "category", "brand", "color", "material", "price"}
    | {"image_url"}
)
_ATTRIBUTES = frozenset({"color", "material"})
_COLUMNS = frozenset(
    {"row_type", "parent", "published", "hidden", "store_view", "group", "marks", "ignored"}
    | {"same_id_of", "variant_marks", "variant_id", "variant_image", "first_row"}
)
_KINDS = frozenset(get_args(RowKind))
# The fields and columns that a header may serve besides another: an id of the product and of its
# variant, a title that is the group's name, and whatever marks the export or the row.
_SHARED = frozenset({"marks", "group", "same_id_of", "variant_marks", "variant_id", "first_row"})
_TAKEN_AS_THEY_ARE = frozenset(
    {"title", "note", "rows", "variant_reason", "id_falls_back", "each_row_is_published"}
    | {"joins_siblings", "variants_agree", "variants_are_typed", "category"}
)
_KEYS = _TAKEN_AS_THEY_ARE | {
    *("name", "recognised", "fields", "columns", "row_types", "not_on_sale", "listed_variants"),
    *("options", "own_columns"),
}

Section = Mapping[str, Any]


def read_table() -> DialectTable:
    """Read the table that comes with the package.

    Raises:
        ValueError: it contradicts itself or has keys that nothing reads.
    """
    text = files("flux_assets.catalog").joinpath("dialects.toml").read_text("utf-8")
    return parse_table(tomllib.loads(text))


def parse_table(table: Section) -> DialectTable:
    """A table's content -> its dialects.

    Raises:
        ValueError: it contradicts itself or has keys that nothing reads.
    """
    _check_keys("the table", table, {"words", "row_types", "attributes", "generic", "dialects"})
    _check_keys("words", table["words"], {"not_on_sale", "no", "yes", "tells_variants"})
    generic = _build_dialect(_name_attributes(table["generic"], table["attributes"]), {}, {})
    dialects = tuple(
        _build_dialect(section, generic.fields, generic.columns) for section in table["dialects"]
    )
    return DialectTable(
        dialects=dialects,
        generic=generic,
        row_types=_read_row_types("row_types", table["row_types"]),
        not_on_sale=frozenset(map(str.casefold, table["words"]["not_on_sale"])),
        no=frozenset(map(str.casefold, table["words"]["no"])),
        yes=frozenset(map(str.casefold, table["words"]["yes"])),
        tells_variants=frozenset(map(str.casefold, table["words"]["tells_variants"])),
        attributes={
            name: field for field, names in table["attributes"].items() for name in _squash(names)
        },
    )


def _name_attributes(generic: Section, attributes: Section) -> Section:
    """What options are called in any language is a column's name as well, after the usual ones."""
    fields = {
        field: [*names, *(attributes.get(field, ()) if field in _ATTRIBUTES else ())]
        for field, names in generic["fields"].items()
    }
    return {"name": "generic", **generic, "fields": fields}


def _build_dialect(
    section: Section,
    generic_fields: Mapping[str, tuple[str, ...]],
    generic_columns: Mapping[str, tuple[str, ...]],
) -> Dialect:
    name = section["name"]
    _check_keys(name, section, _KEYS)
    fields = _read_names(f"{name}.fields", section.get("fields", {}), _FIELDS)
    columns = _read_names(f"{name}.columns", section.get("columns", {}), _COLUMNS)
    claimed = _check_single_meaning(name, {**fields, **columns})
    own_rows = {"row_type", "parent", "group"} & columns.keys() or section.get("rows", "each")
    # Where a dialect has its own idea of which rows belong together, others are none.
    taken = {"row_type", "parent"} if own_rows != "each" else set()
    return Dialect(
        name=name,
        signatures=tuple(
            tuple(_read_term(name, term, {**fields, **columns}) for term in signature)
            for signature in section.get("recognised", ())
        ),
        fields=fields,
        columns={
            role: names
            for role, names in columns.items()
            if role not in {"ignored", "marks", "same_id_of", "variant_marks"}
        },
        generic_fields=_leave_out(generic_fields, claimed, set()),
        generic_columns=_leave_out(generic_columns, claimed, taken),
        ignored=frozenset(columns.get("ignored", ())),
        row_types=_read_row_types(name, section.get("row_types", {})),
        not_on_sale=frozenset(map(str.casefold, section.get("not_on_sale", ()))),
        same_id_of=frozenset(columns.get("same_id_of", ())),
        variant_marks=frozenset(columns.get("variant_marks", ())),
        listed_variants=tuple(
            _read_listed(name, listed) for listed in section.get("listed_variants", ())
        ),
        options=tuple(_read_option(name, option) for option in section.get("options", ())),
        variant_id=columns.get("variant_id", ()),
        variant_image=columns.get("variant_image", ()),
        own_columns=tuple(section.get("own_columns", ())),
        **{key: section[key] for key in _TAKEN_AS_THEY_ARE if key in section},
        first_row_columns=columns.get("first_row", ()),
    )


def _read_term(
    name: str, term: str | list[str], named: Mapping[str, tuple[str, ...]]
) -> frozenset[str]:
    """One of these headers; `@title` is any of the title's names, `action*` what begins so."""
    found: set[str] = set()
    for text in [term] if isinstance(term, str) else term:
        if text.startswith("@"):
            if text[1:] not in named:
                raise ValueError(f"{name} is recognised by {text}, which it gives no names for")
            found.update(named[text[1:]])
        else:
            found.add(_squash_one(text))
    return frozenset(found)


def _read_option(name: str, section: Section) -> OptionRule:
    keys = {"pairs", "columns", "cells", "packed", "without", "nothing", "list_sign", "parts"}
    _check_keys(f"{name}.options", section, keys)
    for key in ("columns", "packed", "without"):
        re.compile(section.get(key, ""))
    pairs = section.get("pairs")
    return OptionRule(
        pairs=(pairs[0], pairs[1]) if pairs else None,
        columns=section.get("columns", ""),
        cells=_squash(section.get("cells", ())),
        packed=section.get("packed", ""),
        without=section.get("without", ""),
        nothing=section.get("nothing", "").casefold(),
        list_sign=section.get("list_sign", ""),
        parts=section.get("parts", ""),
    )


def _read_listed(name: str, section: Section) -> ListedVariants:
    _check_keys(f"{name}.listed_variants", section, {"column", "pattern", "where", "is"})
    re.compile(section["pattern"])
    return ListedVariants(
        column=squash_name(section["column"]),
        pattern=section["pattern"],
        where=squash_name(section.get("where", "")),
        value=section.get("is", "").casefold(),
    )


def _read_row_types(where: str, section: Section) -> dict[str, RowKind]:
    _check_keys(f"{where}.row_types", section, _KINDS)
    kinds: dict[str, RowKind] = {}
    for kind in get_args(RowKind):
        for word in section.get(kind, ()):
            if kinds.setdefault(word.casefold(), kind) != kind:
                raise ValueError(f"{where}: a row of type {word!r} is of two kinds")
    return kinds


def _read_names(where: str, section: Section, known: frozenset[str]) -> dict[str, tuple[str, ...]]:
    _check_keys(where, section, known)
    return {role: _squash(names) for role, names in section.items()}


def _squash(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_squash_one, names)))


def _squash_one(name: str) -> str:
    """A name as headers are found by; `Action*` is whatever begins so."""
    return squash_name(name) + ("*" if name.endswith("*") else "")


def _leave_out(
    named: Mapping[str, tuple[str, ...]], claimed: set[str], taken: set[str]
) -> dict[str, tuple[str, ...]]:
    return {
        role: tuple(name for name in names if name not in claimed)
        for role, names in named.items()
        if role not in taken
    }


def _check_single_meaning(name: str, named: Mapping[str, tuple[str, ...]]) -> set[str]:
    """All names, none of which means two things."""
    meanings: dict[str, str] = {}
    for role, names in named.items():
        for header in names if role not in _SHARED else ():
            if meanings.setdefault(header, role) != role:
                raise ValueError(f"{name}: {header} means both {meanings[header]} and {role}")
    return set(meanings)


def _check_keys(where: str, section: Section, known: Iterable[str]) -> None:
    unknown = section.keys() - set(known)
    if unknown:
        raise ValueError(f"{where} has {', '.join(sorted(unknown))}, which nothing reads")
