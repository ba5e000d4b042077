"""The gallery: the page without a server, for anyone to look at, from a file, a bucket or a CDN.

`index.html` is written last and names the folder of its data, so that nobody sees half of a new
one. Rows are named by what they hold: a new gallery puts only those that changed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from flux_assets.errors import ObjectNotFoundError
from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.page_data import (
    PageTerms,
    count_chunks,
    write_columns,
    write_head,
    write_rows,
)
from flux_assets.publishing.page_files import CONTENT_TYPES, INDEX, build_index, list_files
from flux_assets.publishing.picture_index import pack_digests
from flux_assets.publishing.rendition_table import open_renditions
from flux_assets.publishing.sheet import Sheet, build_sheet
from flux_assets.publishing.sheet_state import SheetState, read_state
from flux_assets.settings import Settings
from flux_assets.storage.object_store import PUBLISHING_PREFIX, ObjectStore

if TYPE_CHECKING:  # it is loaded only where a table is really read
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

GALLERY_PREFIX = f"{PUBLISHING_PREFIX}gallery/"
INDEX_KEY = f"{GALLERY_PREFIX}{INDEX}"
_ROWS = "rows/"
_SHA256 = "sha256"
_NAME_DIGITS = 32
_SCRIPT = CONTENT_TYPES[".js"]
_READ = ("request_fingerprint", "master_sha256", "object_key", "width_px", "height_px")


@dataclass(kw_only=True)
class GalleryReport:
    """What a gallery shows, and what was put for it; `sha256` is of all that it says."""

    pictures: int
    sha256: str = ""
    stored: int = 0
    stored_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Addresses:
    """The renditions' addresses from where the index lies: the same in a folder and on a CDN."""

    thumbs: "pa.Array"
    largest: "pa.Array"

    def thumb(self, row: int, fingerprint: str, sha256: str) -> str:
        """Of the small one; empty where none is made."""
        del fingerprint, sha256
        return _address(str(self.thumbs[row]))

    def full(self, row: int, fingerprint: str, sha256: str) -> str:
        """Of the largest one; empty where none is made."""
        del fingerprint, sha256
        return _address(str(self.largest[row]))

    def photo(self, source_sha256: str) -> str | None:
        """None: a shop's own photos are nobody else's."""
        del source_sha256
        return None


@dataclass(slots=True)
class _Writer:
    """Puts what is not there yet, and counts it."""

    store: ObjectStore
    report: GalleryReport
    known: set[str] = field(default_factory=set)

    def put(self, name: str, data: bytes, content_type: str) -> None:
        key = f"{GALLERY_PREFIX}{name}"
        if key not in self.known:
            self.store.put(key, data, content_type=content_type)
            self.report.stored += 1
            self.report.stored_bytes += len(data)


def write_gallery(
    settings: Settings, store: ObjectStore, channels: ChannelsFile
) -> GalleryReport | None:
    """Write the gallery of the pictures of now; None where there are none yet.

    Of one that says the same as the last, only what is missing is written.

    Raises:
        StoreError: the store cannot be read or written, or a table is damaged.
    """
    manifest = open_manifest(store)
    if manifest is None:
        return None
    sheet = build_sheet(manifest, open_renditions(store), channels)
    state = read_state(store, sheet)
    terms = PageTerms(
        live=False,
        shop=settings.shop or "",
        sample=settings.is_sample,
        created_at="",
        prompts=channels.gallery.prompts,
        names=channels.gallery.names,
    )
    report = GalleryReport(pictures=len(sheet))
    writer = _Writer(store, report, set(store.list_keys(GALLERY_PREFIX)))
    terms = replace(terms, row_files=[*_write_rows(state, terms, writer)])
    files = {path.name: path.read_bytes() for path in list_files()}
    files["columns.js"] = write_columns(state)
    report.sha256 = _digest({**files, "head.js": write_head(state, terms), INDEX: _index("")})
    terms = replace(terms, created_at=store.now().isoformat(timespec="seconds"))
    files["head.js"] = write_head(state, terms)
    folder = f"{report.sha256[:_NAME_DIGITS]}/"
    for name, data in files.items():
        content_type = CONTENT_TYPES[f".{name.rpartition('.')[2]}"]
        writer.put(f"{folder}{name}", data, content_type)
    if report.sha256 != _read_last(store):
        index, kind = _index(folder), CONTENT_TYPES[".html"]
        store.put(INDEX_KEY, index, content_type=kind, metadata={_SHA256: report.sha256})
        report.stored += 1
        report.stored_bytes += len(index)
    return report


def _index(folder: str) -> bytes:
    return build_index(data_folder=folder, files_folder=folder)


def _write_rows(state: SheetState, terms: PageTerms, writer: _Writer) -> Iterator[str]:
    """Put each chunk of rows that is not there, and name it from where the index lies."""
    addresses = _Addresses(state.sheet.thumbs, _find_largest(state.sheet))
    for number in range(count_chunks(state.sheet)):
        data = write_rows(state, number, addresses, terms)
        name = f"{_ROWS}{hashlib.sha256(data).hexdigest()[:_NAME_DIGITS]}.js"
        writer.put(name, data, _SCRIPT)
        yield name


def _find_largest(sheet: Sheet) -> "pa.Array":
    """The key of each picture's rendition of the most pixels; empty where there is none."""
    import numpy as np
    import pyarrow as pa

    pixels, places = np.zeros(len(sheet), np.int64), np.zeros(len(sheet), np.int64)
    keys, count = [pa.array([""], pa.string())], 1
    for group in range(len(sheet.renditions.count_groups()) if sheet.renditions else 0):
        table = sheet.renditions.read_group(group, _READ)  # type: ignore[union-attr]
        rows = sheet.pictures.find_packed(
            pack_digests(table["request_fingerprint"].to_pylist()),
            pack_digests(table["master_sha256"].to_pylist()),
        )
        sizes = np.asarray(table["width_px"]) * np.asarray(table["height_px"])
        np.maximum.at(pixels, rows[rows >= 0], sizes[rows >= 0])
        largest = np.nonzero((rows >= 0) & (sizes == pixels[rows]))[0]
        places[rows[largest]] = count + np.arange(len(largest))
        keys += [it.cast(pa.string()) for it in table["object_key"].take(largest).chunks]
        count += len(largest)
    return pa.concat_arrays(keys).take(pa.array(places))


def _address(key: str) -> str:
    return f"../{quote(key.removeprefix(PUBLISHING_PREFIX))}" if key else ""


def _digest(files: Mapping[str, bytes]) -> str:
    """Of files by their names."""
    whole = hashlib.sha256()
    for name, data in sorted(files.items()):
        whole.update(f"{name}\n{len(data)}\n".encode())
        whole.update(data)
    return whole.hexdigest()


def _read_last(store: ObjectStore) -> str:
    """The sha256 of what the last gallery says; empty where there is none."""
    try:
        return store.get(INDEX_KEY).metadata.get(_SHA256, "")
    except ObjectNotFoundError:
        return ""
