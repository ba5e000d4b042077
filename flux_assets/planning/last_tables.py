"""What the last refresh's tables say of some products; of no other rows objects are made."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from flux_assets.catalog.identity import list_former_ids, normalise_id
from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.prompts.catalog_reading import PRODUCTS_KEY
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, open_table
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.table_parts import DamagedPartError

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

_FORMER = ("product_id", "former_ids")
_OF_CATALOG = (*_FORMER, "title", "category", "line")
_ROWS_AT_ONCE = 100_000
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProduct:
    """A product by its id of now, and what the last refresh's catalog says of it.

    `ids` are all under which its pictures may be: the one of now first, then former ones.
    `in_catalog` is None where no refresh has read a catalog; `line` is 0 where there is none.
    """

    product_id: str
    ids: tuple[str, ...]
    in_catalog: bool | None
    title: str = ""
    category: str = ""
    line: int = 0


def find_known(store: ObjectStore, wanted: Sequence[str]) -> list[KnownProduct]:
    """Each wanted product once, however its id is written, or if it is a former one.

    What the catalog does not have is given, too, by its id alone.

    Raises:
        StoreError: a table is damaged, or cannot be read.
    """
    found = _read_catalog(store, set(map(normalise_id, wanted)))
    in_catalog = found or {}
    lacking = [text for text in wanted if normalise_id(text) not in in_catalog]
    owners: Mapping[str, str] = {}
    if lacking:
        former = {it for text in lacking for it in (normalise_id(text), text.strip())}
        owners = _find_owners(store, former)
        in_catalog |= _read_catalog(store, set(owners.values())) or {}

    def find(text: str) -> KnownProduct:
        product_id = normalise_id(text)
        for it in (product_id, owners.get(product_id, ""), owners.get(text.strip(), "")):
            if it in in_catalog:
                return in_catalog[it]
        ids = (product_id, *list_former_ids(text, product_id))
        return KnownProduct(
            product_id=product_id, ids=ids, in_catalog=None if found is None else False
        )

    return list({it.product_id: it for it in map(find, wanted)}.values())


def read_last_rows(
    store: ObjectStore, key: str, product_ids: Collection[str]
) -> "pd.DataFrame | None":
    """Some products' rows of a table, with all the columns that it has; None without a table.

    Raises:
        StoreError: it is damaged, or cannot be read.
    """

    def read(table: StoredTable) -> "pd.DataFrame":
        return table.read(where=("product_id", product_ids))

    return _read_table(store, key, read)


def list_product_ids(store: ObjectStore) -> list[str]:
    """All of the last refresh's catalog.

    Raises:
        StoreError: its table is damaged, or cannot be read.
    """
    return _read_table(store, PRODUCTS_KEY, lambda table: table.read_texts("product_id")) or []


def _read_catalog(
    store: ObjectStore, product_ids: Collection[str]
) -> dict[str, KnownProduct] | None:
    table = read_last_rows(store, PRODUCTS_KEY, product_ids)
    if table is None:
        return None
    if "former_ids" not in table:  # an older release's
        table = table.assign(former_ids="[]")
    return {
        product_id: KnownProduct(
            product_id=product_id,
            ids=(product_id, *json.loads(former_ids)),
            in_catalog=True,
            title=title,
            category=category,
            line=line,
        )
        for product_id, former_ids, title, category, line in read_rows(table, _OF_CATALOG)
    }


def _find_owners(store: ObjectStore, former: AbstractSet[str]) -> dict[str, str]:
    """The product that each former id is now, of those that are one."""

    def read(table: StoredTable) -> dict[str, str]:
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        if not set(_FORMER) <= set(table.column_names()):  # an older release's
            return {}
        found: dict[str, str] = {}
        for group in table.read_some(_FORMER, _ROWS_AT_ONCE):
            renamed: Iterable[dict[str, str]]
            renamed = group.filter(pc.not_equal(group["former_ids"], "[]")).to_pylist()
            for row in renamed:
                for it in former & set(json.loads(row["former_ids"])):
                    found.setdefault(it, row["product_id"])
        return found

    return _read_table(store, PRODUCTS_KEY, read) or {}


def _read_table(store: ObjectStore, key: str, read: Callable[[StoredTable], _Read]) -> _Read | None:
    try:
        return read(open_table(store, key))
    except ObjectNotFoundError:
        return None
    except DamagedPartError:
        raise
    except NO_TABLE as error:
        problem = "it is damaged; the next refresh writes it anew"
        raise StoreError(store.uri_for(key), "read", problem) from error
