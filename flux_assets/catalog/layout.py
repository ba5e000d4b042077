"""One export's header, understood: which column gives which field of a product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from flux_assets.catalog.dialects import Dialect
from flux_assets.catalog.names import normalise_name, squash_name
from flux_assets.catalog.product import Product
from flux_assets.errors import CatalogError
from flux_assets.image_api.parameters import PARAMETERS

_PRODUCT_FIELDS = frozenset(field.name for field in fields(Product))
_TEXT_FIELDS = _PRODUCT_FIELDS - {"line", "columns"}
_NEEDED_FIELDS = ("product_id", "title")
_LISTED_HEADERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything is; a key names a cell of a row, one for each column of the file.

    `fields` gives each product field's keys in order of preference, `columns` the key of each
    name in `Product.columns`; `parameters` are the per-product parameters among those names.
    `mapped` are the product fields that the shots file maps, and `absent` the names that it
    says the export has no column for. Beyond `named_width` cells, no header has a name; if
    `title_is_last`, what stands there can only be the rest of a title.
    """

    keys: tuple[str, ...]
    headers: Mapping[str, str]
    fields: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, str]
    parameters: tuple[str, ...]
    mapped: frozenset[str]
    absent: frozenset[str]
    named_width: int
    title_is_last: bool

    def name_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """A row's cells, one for each column, by their keys."""
        return dict(zip(self.keys, cells, strict=True))

    def is_free(self, name: str) -> bool:
        """Whether an option may become a column of this name."""
        reserved = name in _PRODUCT_FIELDS or name in PARAMETERS or name in self.absent
        return bool(name) and not reserved and name not in self.columns


def build_layout(
    header: Sequence[str], dialect: Dialect, columns: Mapping[str, str | None], name: str
) -> Layout:
    """Find every field's column, by the dialect and by what the shots file says.

    Raises:
        CatalogError: a column that is mapped is not there, or there is none for id or title.
    """
    keys = _unique_keys(header)
    headers = dict(zip(keys, header, strict=True))
    found = _find_fields(headers, dialect)
    given: dict[str, str] = {}
    absent = set()
    for field, wanted in columns.items():
        if wanted is None:
            absent.add(normalise_name(field))
        target_keys = () if wanted is None else (_key_of(field, wanted, headers, name),)
        if field in _TEXT_FIELDS:
            found[field] = target_keys
        elif target_keys:
            given[field] = target_keys[0]
    for field in _NEEDED_FIELDS:
        if not found[field]:
            raise CatalogError(
                name,
                f"no column for the product's {field} is recognised; its headers are "
                f"{_list_headers(header)}. Name it in the shots file: "
                f"columns: {{{field}: <header>}}",
            )
    shown = {
        key: key
        for key in keys
        if normalise_name(headers[key]) == key and key not in _PRODUCT_FIELDS | absent
    }
    named_width = max(number for number, text in enumerate(header, start=1) if text)
    return Layout(
        keys=keys,
        headers=headers,
        fields=found,
        columns=shown | given,
        parameters=tuple(name for name in PARAMETERS if name in shown | given),
        mapped=frozenset(columns) & _TEXT_FIELDS,
        absent=frozenset(absent),
        named_width=named_width,
        title_is_last=keys.index(found["title"][0]) + 1 == named_width,
    )


def _find_fields(headers: Mapping[str, str], dialect: Dialect) -> dict[str, tuple[str, ...]]:
    """The keys of the columns that the dialect knows, for each product field."""
    by_squashed: dict[str, str] = {}
    for key, text in headers.items():
        by_squashed.setdefault(squash_name(text), key)
    found = {
        field: tuple(
            by_squashed[squashed]
            for alias in dialect.fields.get(field, ())
            if (squashed := squash_name(alias)) in by_squashed
        )
        for field in _TEXT_FIELDS
    }
    if not dialect.id_falls_back:
        found["product_id"] = found["product_id"][:1]
    return found


def _unique_keys(header: Sequence[str]) -> tuple[str, ...]:
    """Normalised names; for a second one of a name, or none, something that is no such name."""
    keys: dict[str, None] = {}
    for number, text in enumerate(header, start=1):
        key = normalise_name(text)
        keys[f"{text} #{number}" if not key or key in keys else key] = None
    return tuple(keys)


def _key_of(field: str, wanted: str, headers: Mapping[str, str], name: str) -> str:
    for key, text in headers.items():
        if text == wanted.strip():
            return key
    if normalise_name(wanted) in headers:
        return normalise_name(wanted)
    raise CatalogError(
        name,
        f"columns: {field} is to be the column {wanted!r}, but the headers are "
        f"{_list_headers(list(headers.values()))}; correct it in the shots file",
    )


def _list_headers(header: Sequence[str]) -> str:
    named = [repr(text[:60]) for text in header if text]
    further = len(named) - _LISTED_HEADERS
    return ", ".join(named[:_LISTED_HEADERS]) + (f" and {further} more" if further > 0 else "")
