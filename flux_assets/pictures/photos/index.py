"""What is remembered of each photo's address, in one table of the store."""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from flux_assets.errors import ObjectNotFoundError
from flux_assets.pictures.photos.fetched import PhotoVersion
from flux_assets.storage.change_object import ChangeConflictError, change_object
from flux_assets.storage.object_store import ObjectBody, ObjectStore, table_key
from flux_assets.storage.parquet import read_parquet, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE, PARQUET

PHOTOS_KEY = table_key("photos.parquet")
MAX_REMEMBERED = 500_000
"""Signed addresses change with every export; the ones checked longest ago are forgotten first."""


_log = logging.getLogger(__name__)


class RememberedPhoto(NamedTuple):
    """The photo last read at one address; a row, as there may be very many.

    Attributes:
        address_sha256: of the whole address, whose query may be a secret.
        uri: the address as people may see it.
        photo_sha256: of the photo's bytes as they were read.
        extension: of the prepared photo.
        etag, last_modified: what its server said of the version; empty where nothing.
        checked_at: when the address last answered, ISO 8601, UTC, whole seconds.
    """

    address_sha256: str
    uri: str
    photo_sha256: str
    extension: str
    etag: str
    last_modified: str
    checked_at: str

    @property
    def version(self) -> PhotoVersion:
        """What to ask by whether it has changed."""
        return PhotoVersion(etag=self.etag, last_modified=self.last_modified)


PhotoIndex = dict[str, RememberedPhoto]
"""By address_sha256."""


def format_time(time: datetime) -> str:
    """A UTC time as the index holds it; earlier ones sort first as text."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_index(store: ObjectStore) -> PhotoIndex:
    """All that is remembered; nothing where no table is, or a damaged one: it can be had again.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        return _parse(store, store.get(PHOTOS_KEY))
    except ObjectNotFoundError:
        return {}


def update_index(store: ObjectStore, changed: Mapping[str, RememberedPhoto]) -> None:
    """Add these rows to what the store holds by then, by compare-and-swap.

    Of two rows of one address the one checked later stays. Where other writers always come first,
    it is left at a warning: what is not remembered is asked for once more.

    Raises:
        StoreError: the store cannot be read or written.
    """

    def add(found: ObjectBody | None) -> bytes:
        index = _parse(store, found)
        for address, row in changed.items():
            theirs = index.get(address)
            if theirs is None or theirs.checked_at <= row.checked_at:
                index[address] = row
        return _write_table(_latest(index.values()))

    try:
        change_object(store, PHOTOS_KEY, add, content_type=PARQUET)
    except ChangeConflictError as error:
        _log.warning("%s; %d photos are asked for again the next time", error, len(changed))


def _latest(rows: Collection[RememberedPhoto]) -> Collection[RememberedPhoto]:
    if len(rows) <= MAX_REMEMBERED:
        return rows
    return sorted(rows, key=lambda row: row.checked_at)[-MAX_REMEMBERED:]


def _parse(store: ObjectStore, found: ObjectBody | None) -> PhotoIndex:
    if found is None:
        return {}
    try:
        table = read_parquet(found.data)
        columns = [table[name].tolist() for name in RememberedPhoto._fields]
        rows = map(RememberedPhoto._make, zip(*columns, strict=True))
        index = {row.address_sha256: row for row in rows if all(map(_is_text, row))}
    except NO_TABLE as error:
        _log.warning(
            "%s is damaged (%s): every photo is read again, and the table is written anew",
            store.uri_for(PHOTOS_KEY),
            error,
        )
        return {}
    return index


def _write_table(rows: Collection[RememberedPhoto]) -> bytes:
    import pandas as pd

    return write_parquet(pd.DataFrame(rows, columns=list(RememberedPhoto._fields), dtype=str))


def _is_text(cell: object) -> bool:
    return isinstance(cell, str)
