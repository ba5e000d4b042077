"""Parts of tables that no table names any more; they can be made again, at no cost.

What a run may still want is kept: its tables are the last ones or replaced ones, whose indexes lie
in `runs/replaced/`. Who reads an older index meanwhile is told that a part is missing, and reads
the next.
"""

from collections.abc import Iterator
from datetime import timedelta

from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.manifest.wanted import PruneError
from flux_assets.storage.object_store import (
    REPLACED_PREFIX,
    TABLE_PART_KEY,
    TABLE_PARTS_PREFIX,
    ObjectInfo,
    ObjectStore,
    table_key,
)
from flux_assets.storage.parquet import open_table
from flux_assets.storage.parquet_file import NO_TABLE

YOUNGEST = timedelta(days=30)
"""A younger part never goes: a run may live so long, and may have put it for its next table."""

PARTS_PROBE_KEY = f"{TABLE_PARTS_PREFIX}prune/00-{'f' * 32}.parquet"
"""Where no part is."""


def find_old_parts(store: ObjectStore, *, min_age: timedelta) -> list[ObjectInfo]:
    """The parts that neither a table of now names nor a replaced one, by their keys.

    Args:
        store: the shop's.
        min_age: how long ago they were put at least, by the store's own clock; never less than
            YOUNGEST.

    Raises:
        PruneError: what names parts cannot be read.
        StoreError: the store cannot be listed.
    """
    latest = store.now() - max(min_age, YOUNGEST)
    parts = [it for it in store.list(TABLE_PARTS_PREFIX) if TABLE_PART_KEY.fullmatch(it.key)]
    names = {f"{info.key.split('/')[-2]}.parquet" for info in parts}
    named = {key for name in names for key in _read_keys(store, table_key(name))}
    for key in store.list_keys(REPLACED_PREFIX):
        if key.rpartition("/")[2] in names:
            named.update(_read_keys(store, key))
    old = (it for it in parts if it.key not in named and it.modified_at <= latest)
    return sorted(old, key=lambda it: it.key)


def _read_keys(store: ObjectStore, key: str) -> Iterator[str]:
    """The parts that a table names, if it is there, and in parts."""
    try:
        index = open_table(store, key).read_index()
    except ObjectNotFoundError:
        return
    except (StoreError, *NO_TABLE) as error:
        raise PruneError(f"{store.uri_for(key)}, which may name parts, cannot be read") from error
    yield from (part.key for part in index.parts) if index else ()
