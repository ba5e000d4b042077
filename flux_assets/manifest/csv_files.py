"""The manifest's CSV in the store: one file, or one for each bucket where it is in parts.

In parts, the one file lists the others, so that none of before is taken for that of now.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flux_assets.manifest.csv_file import END_OF_LINE, write_manifest_csv
from flux_assets.manifest.stored import (
    MANIFEST_CSV_KEY,
    MANIFEST_CSV_PREFIX,
    MANIFEST_KEY,
    StoredManifest,
    open_manifest,
)
from flux_assets.storage.object_store import ObjectInfo, ObjectStore, table_key, table_parts_prefix
from flux_assets.storage.parallel import map_on_cores
from flux_assets.storage.table_parts import FETCHED_AT_ONCE, Part


class _File(NamedTuple):
    """A CSV that there should be: of which Parquet, and of what version of it."""

    key: str
    parquet: str
    version: str
    write: Callable[[], Iterable[bytes]]


def write_csv_files(
    store: ObjectStore, manifest: StoredManifest, *, new: Collection[str] = ()
) -> None:
    """Write each CSV that is older than its Parquet; where others write meanwhile, as of theirs.

    Args:
        store: where it lies.
        manifest: as it was just written, or found.
        new: the keys of what was written just now, which a store's clock may not tell.
    """

    def put(file: _File) -> _File:
        store.put(file.key, file.write(), content_type="text/csv")
        return file

    latest: StoredManifest | None = manifest
    written: dict[str, str] = {}
    while latest is not None:
        due = _find_due(store, latest, new, written)
        written |= {file.key: file.version for file in map_on_cores(put, due, FETCHED_AT_ONCE)}
        if not due or store.head(MANIFEST_KEY).etag == latest.etag:
            break
        latest, new = open_manifest(store), ()  # somebody wrote a later one, maybe its CSV first


def _find_due(
    store: ObjectStore,
    manifest: StoredManifest,
    new: Collection[str],
    written: Mapping[str, str],
) -> list[_File]:
    files = [*_list_files(manifest)]
    found = {info.key: info for info in store.list(table_key("image_manifest"))}
    if len(files) > 1:
        found |= {info.key: info for info in store.list(table_parts_prefix(MANIFEST_KEY))}
    due = [
        file
        for file in files
        if file.parquet in new
        or written.get(file.key, file.version) != file.version
        or _is_late(found.get(file.key), found.get(file.parquet))
    ]
    header = next(iter(write_manifest_csv(manifest.column_names, ())))
    wanted = {file.key for file in files}
    return due + [
        _File(info.key, "", "", partial(iter, [header]))
        for info in found.values()
        if info.key.startswith(MANIFEST_CSV_PREFIX)
        and info.key not in wanted
        and info.size_bytes > len(header)
    ]


def _is_late(csv: ObjectInfo | None, parquet: ObjectInfo | None) -> bool:
    """Whether a CSV was not written after its Parquet, as it is unless a writer was killed."""
    return csv is None or (parquet is not None and csv.modified_at < parquet.modified_at)


def _list_files(manifest: StoredManifest) -> Iterator[_File]:
    parts = manifest.read_parts()
    write = partial(_list_parts, parts) if manifest.is_in_parts else manifest.write_csv
    yield _File(MANIFEST_CSV_KEY, MANIFEST_KEY, manifest.etag, write)
    for number, part in enumerate(parts):
        yield _File(_part_key(part), part.key, part.key, partial(manifest.write_csv, number))


def _list_parts(parts: Iterable[Part]) -> Iterator[bytes]:
    lines = ["bucket,key,rows", *(f"{it.bucket},{_part_key(it)},{it.rows}" for it in parts)]
    yield "".join(f"{line}{END_OF_LINE}" for line in lines).encode()


def _part_key(part: Part) -> str:
    return f"{MANIFEST_CSV_PREFIX}{part.bucket}.csv"
