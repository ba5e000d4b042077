"""What is wrong with the table of renditions, for whoever cannot go on without it."""

from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.publishing.rendition_table import RENDITIONS_KEY, compare_columns
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.parquet_file import NO_TABLE


def find_damage(table: StoredTable) -> str:
    """Why not all of a table can be read, or relied on; empty if it can."""
    try:
        for _ in table.read_groups():
            pass
        return compare_columns(table)
    except NO_TABLE as error:
        return f"it is damaged ({error})"


def read_keys(store: ObjectStore) -> frozenset[str] | None:
    """The keys of all files that the table names; None where there is no table.

    Raises:
        StoreError: it cannot be read, or is damaged.
    """
    try:
        table = StoredTable(store.get(RENDITIONS_KEY).data)
    except ObjectNotFoundError:
        return None
    if problem := find_damage(table):
        raise damaged_table(store.uri_for(RENDITIONS_KEY), problem)
    return frozenset(table.read_texts("object_key"))


def damaged_table(uri: str, problem: str) -> StoreError:
    """What is said where nothing can go on with the table as it is."""
    remedy = "`flux-assets verify --repair` builds it again from what lies in the store"
    return StoreError(uri, "read", f"{problem}; {remedy}")
