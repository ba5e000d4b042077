"""One export's header, understood: which column gives which field of a product."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from flux_assets.catalog.dialect import Dialect
from flux_assets.catalog.dialects import load_dialects
from flux_assets.catalog.grouping import Listed, RowRules
from flux_assets.catalog.header_names import HeaderNames
from flux_assets.catalog.languages import order_by_language, pair_by_title
from flux_assets.catalog.names import normalise_name, squash_name
from flux_assets.catalog.options import ReadOptions, Texts, bind_options, pair_columns
from flux_assets.catalog.product import ROW_COLUMNS, Product
from flux_assets.errors import CatalogError
from flux_assets.image_api.parameters import PARAMETERS

_PRODUCT_FIELDS = frozenset(field.name for field in fields(Product))
_TEXT_FIELDS = _PRODUCT_FIELDS - {"line", "columns", "former_ids"}
_LOCALISED = frozenset({"title", "description", "category", "brand", "color", "material"})
_NEEDED_FIELDS = ("product_id", "title")
_LISTED_HEADERS = 60
_LONGEST_NAME = 40

Found = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything is; a key names a cell of a row, one for each column of the file.

    `fields` gives each product field's keys in order of preference, and `described` those of the
    description and the category by the key of a title. `columns` has the key of each name in
    `Product.columns`; `parameters` are the per-product parameters among those names.
    `mapped` are the product fields that the shots file maps, and `absent` the names that it
    says the export has no column for. `rules` say what a row is, and `read_options` reads the
    options that have no column of their own. A variant's empty cells are as in its product's first
    row, but for those of `own_columns`; the dialect's other columns of a variant are there by
    their keys. Beyond `named_width` cells, no header
    has a name; if `title_is_last`, what stands there can only be the rest of a title. `names` are
    the squashed headers that the fields may have in any export of the kind.
    """

    keys: tuple[str, ...]
    headers: Mapping[str, str]
    fields: Mapping[str, tuple[str, ...]]
    described: Mapping[str, Mapping[str, tuple[str, ...]]]
    columns: Mapping[str, str]
    parameters: tuple[str, ...]
    mapped: frozenset[str]
    absent: frozenset[str]
    rules: RowRules
    read_options: ReadOptions
    own_columns: frozenset[str]
    variant_id: tuple[str, ...]
    variant_image: tuple[str, ...]
    first_row_columns: tuple[str, ...]
    named_width: int
    title_is_last: bool
    names: Mapping[str, frozenset[str]]

    def name_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """A row's cells, one for each column, by their keys."""
        return dict(zip(self.keys, cells, strict=True))

    def is_header(self, id_key: str, product_id: str, texts: Texts) -> bool:
        """Whether a row is the header once more, or what its columns are called elsewhere."""
        if not self._is_name("product_id", id_key, product_id):
            return False
        keys = self.fields["title"]
        key = next((key for key in keys if texts[key]), keys[0])
        return self._is_name("title", key, texts[key])

    def _is_name(self, field: str, key: str, text: str) -> bool:
        if text == self.headers[key]:
            return True
        is_short = not text[-1:].isdigit() and len(text) <= _LONGEST_NAME
        return is_short and squash_name(text) in self.names[field]

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
    finder = _Finder(headers, dialect)
    found = finder.find_fields()
    roles = finder.find_roles()
    given: dict[str, str] = {}
    absent = set()
    for field, wanted in columns.items():
        if wanted is None:
            absent.add(normalise_name(field))
        target_keys = () if wanted is None else (_key_of(field, wanted, headers, name),)
        if field in _TEXT_FIELDS:
            found[field] = target_keys
        elif field in ROW_COLUMNS:
            roles[field] = target_keys
        if target_keys and field not in _TEXT_FIELDS:
            given[field] = target_keys[0]
    _check_needed(found, header, name)
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
        described=pair_by_title(found, finder.locales),
        columns=shown | given,
        parameters=tuple(name for name in PARAMETERS if name in shown | given),
        mapped=frozenset(columns) & _TEXT_FIELDS,
        absent=frozenset(absent),
        rules=_bind_rules(
            dialect, finder, found, roles, absent, mapped_rows=frozenset(columns) & {*ROW_COLUMNS}
        ),
        read_options=bind_options(dialect.options, headers),
        own_columns=pair_columns(dialect.options, headers)
        | {key for key in keys if key.startswith(dialect.own_columns)},
        variant_id=finder.find(dialect.variant_id),
        variant_image=finder.find(dialect.variant_image),
        first_row_columns=finder.find(dialect.first_row_columns),
        named_width=named_width,
        title_is_last=keys.index(found["title"][0]) + 1 == named_width,
        names={field: frozenset(dialect.names_of(field)) for field in _NEEDED_FIELDS},
    )


class _Finder:
    """Finds the keys of the columns that a dialect names."""

    def __init__(self, headers: Mapping[str, str], dialect: Dialect) -> None:
        self._dialect = dialect
        self._names = HeaderNames(headers.values())
        self._keys: dict[str, str] = {}
        self.locales: dict[str, str] = {}
        for key, text in headers.items():
            self._keys.setdefault(text, key)
        self._taken = {*self.find(dialect.ignored)}
        for names in (*dialect.fields.values(), *dialect.columns.values()):
            self._taken.update(self.find(names))

    def find(self, names: Iterable[str]) -> tuple[str, ...]:
        """The keys of the columns of these very names, in the names' order."""
        found = (self._names.find(name) for name in names)
        return tuple(dict.fromkeys(self._keys[text] for text in found if text is not None))

    def find_fields(self) -> Found:
        """Each product field's keys: what the dialect says, then what any export may mean."""
        found = {field: self._find_field(field) for field in _TEXT_FIELDS}
        locale = self.locales.get(next(iter(found["title"]), ""), "")
        for field in _LOCALISED - {"title"}:
            found[field] = order_by_language(found[field], locale, self.locales)
        own_ids = self.find(self._dialect.fields.get("product_id", ()))
        ids = own_ids or found["product_id"][:1]
        found["product_id"] = ids if self._dialect.id_falls_back else ids[:1]
        return found

    def _find_field(self, field: str) -> tuple[str, ...]:
        own = self._dialect.fields.get(field, ())
        found = list(self._find_localised(own) if field in _LOCALISED else self.find(own))
        generic = self._dialect.generic_fields.get(field, ())
        further = self._find_localised(generic) if field in _LOCALISED else self.find(generic)
        found += [key for key in further if key not in self._taken]
        return tuple(dict.fromkeys(found))

    def _find_localised(self, names: Iterable[str]) -> list[str]:
        found: list[str] = []
        for name in names:
            exact = self._names.find(name)
            headers = [exact] if exact is not None else self._names.find_localised(name)
            for text in headers:
                found.append(self._keys[text])
                self.locales.setdefault(self._keys[text], self._names.locale_of(name, text))
        return found

    def find_ids(self) -> tuple[str, ...]:
        """All columns that a variant may name its product by, the product's own id first."""
        return self.find(self._dialect.names_of("product_id"))

    def find_roles(self) -> Found:
        """The columns that say what a row is."""
        dialect = self._dialect
        return {
            role: (
                *(own := self.find(dialect.columns.get(role, ()))),
                *(
                    key
                    for key in self.find(dialect.generic_columns.get(role, ()))
                    if key not in self._taken and key not in own
                ),
            )
            for role in (*ROW_COLUMNS, "hidden", "store_view", "group")
        }


def _bind_rules(
    dialect: Dialect,
    finder: _Finder,
    found: Found,
    roles: Found,
    absent: set[str],
    *,
    mapped_rows: frozenset[str],
) -> RowRules:
    table = load_dialects()
    types_are_generic = dialect is table.generic or "row_type" not in dialect.columns
    mapped = mapped_rows or "parent" in absent
    stands_above = roles["row_type"] and types_are_generic and not roles["parent"] and not mapped
    present = {
        role: tuple(key for key in keys if role not in absent and key not in absent)
        for role, keys in roles.items()
    }
    return RowRules(
        dialect=dialect,
        rows="below" if stands_above else dialect.rows,
        row_types={**table.row_types, **dialect.row_types},
        not_on_sale=table.not_on_sale | dialect.not_on_sale,
        no=table.no,
        flags=table.no | table.yes,
        row_type=present["row_type"],
        parent=present["parent"],
        published=present["published"],
        hidden=present["hidden"],
        store_view=present["store_view"],
        group=present["group"],
        title=found["title"],
        ids=tuple(dict.fromkeys((*found["product_id"], *finder.find_ids()))),
        same_id_of=frozenset(finder.find(dialect.same_id_of)),
        variant_marks=finder.find(dialect.variant_marks),
        joins_siblings="parent" in mapped_rows or dialect.joins_siblings,
        listed=tuple(
            Listed(
                key=key,
                pattern=re.compile(listed.pattern),
                where=next(iter(finder.find([listed.where])), ""),
                value=listed.value,
            )
            for listed in dialect.listed_variants
            for key in finder.find([listed.column])
        ),
    )


def _check_needed(found: Found, header: Sequence[str], name: str) -> None:
    missing = [field for field in _NEEDED_FIELDS if not found[field]]
    if missing:
        wanted = ", ".join(f"{field}: <header>" for field in missing)
        raise CatalogError(
            name,
            f"no column for the product's {' is recognised, nor for its '.join(missing)}"
            f"{'' if missing[1:] else ' is recognised'}; its headers are "
            f"{list_headers(header)}. Name it in the shots file: columns: {{{wanted}}}; and, if "
            "rows may be variants or drafts, name also the columns that say so: "
            "{parent: <header>, row_type: <header>, published: <header>}",
        )


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
        f"{list_headers(headers.values())}; correct it in the shots file",
    )


def list_headers(header: Iterable[str]) -> str:
    """The first headers of a file, for a message."""
    named = [repr(text[:60]) for text in header if text]
    further = len(named) - _LISTED_HEADERS
    return ", ".join(named[:_LISTED_HEADERS]) + (f" and {further} more" if further > 0 else "")
