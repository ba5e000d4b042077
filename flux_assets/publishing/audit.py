"""The table of renditions and the newest editions, held against what lies in the store.

Nothing is removed, and neither an edition nor a decision is ever changed: only the table is built
again, of what lies there. What it lacks then is made by the next run.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.manifest.findings import StoreFindings
from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.editions import edition_key, list_newest, open_edition
from flux_assets.publishing.mark import read_mark
from flux_assets.publishing.rendition_table import (
    RENDITIONS_KEY,
    build_frame,
    find_missing,
    merge_renditions,
)
from flux_assets.publishing.renditions import read_renditions
from flux_assets.publishing.table_damage import find_damage
from flux_assets.settings import variable_of
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import RENDITION_KEY, RENDITIONS_PREFIX, ObjectStore
from flux_assets.storage.parallel import map_in_parallel
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import PARQUET
from flux_assets.storage.table_merge import merge_rows

_COLUMNS = ("product_id", "shot", "object_key", "sha256", "size_bytes")
_ROWS_A_TIME = 20_000
_MASTERS_A_TIME = 2_000
_MADE_AGAIN = "after `flux-assets verify --repair` the next publish makes it again"
_SHOWN_AGAIN = (
    f"a feed names it: {_MADE_AGAIN} if its picture is current, else restore an earlier version"
)


class _Named(NamedTuple):
    """A file that somebody names; `size_bytes` is -1 where they do not say it."""

    by: str
    product_id: str
    shot: str
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Bad:
    """A file that is not as it should be; `is_shown` where an edition names it."""

    told: str
    is_shown: bool


def audit_renditions(
    store: ObjectStore, findings: StoreFindings, *, deep: bool, repair_by: ChannelsFile | None
) -> None:
    """Note what is wrong with the files for channels, and build the table again if asked for.

    Args:
        store: the shop's.
        findings: where it is noted.
        deep: read every file that somebody names, too, not only its size.
        repair_by: what the table should be of; None repairs nothing.

    Raises:
        StoreError: the store cannot be read, or not be written to.
    """
    audit = _Audit(store, findings, deep=deep)
    audit.judge_files()
    is_repaired = False
    if repair_by is not None and audit.needs_repair:
        is_repaired = _rebuild(store, audit, repair_by)
    audit.note(is_repaired=is_repaired, can_repair=repair_by is not None)


class _Audit:
    """What is read first is what names files, as a file is put before it is named."""

    def __init__(self, store: ObjectStore, findings: StoreFindings, *, deep: bool) -> None:
        self._store = store
        self._findings = findings
        self._deep = deep
        self._read: dict[str, tuple[str, str]] = {}
        self.bad: dict[str, _Bad] = {}
        self.table, self.etag = _read_table(store)
        self.problem = find_damage(self.table) if self.table else ""
        self._editions = {
            edition_key(channel, number): open_edition(store, channel, number)
            for channel, number in list_newest(store).items()
        }
        if self.table is None and self._editions:
            self.problem = "it is gone"
        self._sizes = {
            info.key: info.size_bytes
            for info in store.list(RENDITIONS_PREFIX)
            if RENDITION_KEY.fullmatch(info.key)
        }
        findings.renditions = len(self._sizes)

    @property
    def needs_repair(self) -> bool:
        """Whether the table is not what lies in the store."""
        return bool(self.problem or self.bad)

    def judge_files(self) -> None:
        """Hold each file that is named against what lies there."""
        for named, problem in map_in_parallel(self._judge, self._list_named()):
            known = self.bad.get(named.key)
            if not problem and known is None:
                continue
            is_shown = named.by != RENDITIONS_KEY or (known is not None and known.is_shown)
            told = f"product {named.product_id!r}, shot {named.shot}: {problem}"
            self.bad[named.key] = _Bad(known.told if known else told, is_shown)

    def note(self, *, is_repaired: bool, can_repair: bool) -> None:
        """Note what was found, and whether it is still so."""
        without = "" if can_repair else f"; it needs {variable_of('channels')}"
        if self.problem:
            detail = f"{self.problem}; `flux-assets verify --repair` builds it again{without}"
            self._findings.note("rendition_table", RENDITIONS_KEY, detail, is_repaired=is_repaired)
        for key, bad in sorted(self.bad.items()):
            detail = f"{bad.told}; {_SHOWN_AGAIN if bad.is_shown else _MADE_AGAIN + without}"
            self._findings.note(
                "rendition", key, detail, is_repaired=is_repaired and not bad.is_shown
            )

    def _list_named(self) -> Iterator[_Named]:
        if self.table is not None and not self.problem:
            for rows in self.table.read_some(_COLUMNS, _ROWS_A_TIME):
                for row in read_rows(rows.to_pandas(), _COLUMNS):
                    yield _Named(RENDITIONS_KEY, *row)
        for key, edition in self._editions.items():
            try:
                for it in edition.list_named():
                    yield _Named(key, it.product_id, it.shot, it.object_key, it.sha256, -1)
            except StoreError as error:
                self._findings.note("edition", key, error.problem)

    def _judge(self, named: _Named) -> tuple[_Named, str]:
        size_bytes = self._sizes.get(named.key)
        if size_bytes is None:
            return named, "it is gone"
        if named.size_bytes not in {-1, size_bytes}:
            return named, f"it has {size_bytes} bytes, not {named.size_bytes}"
        if not self._deep:
            return named, ""
        if named.key not in self._read:
            try:
                data = self._store.get(named.key).data
            except ObjectNotFoundError:
                return named, "it is gone"
            self._read[named.key] = hashlib.sha256(data).hexdigest(), read_mark(data)
        sha256, mark = self._read[named.key]
        if sha256 == named.sha256:
            return named, ""
        marked = "" if mark else ", and it carries no mark of AI"
        return named, f"its bytes are not those that were put (another sha256){marked}"


def _rebuild(store: ObjectStore, audit: _Audit, channels: ChannelsFile) -> bool:
    """Build the table again; False where that cannot be, or somebody else writes it, too."""
    manifest = open_manifest(store)
    if manifest is None:
        return False
    sound = _without(audit.table if not audit.problem else None, audit)
    try:
        store.put(
            RENDITIONS_KEY,
            sound.data,
            content_type=PARQUET,
            if_absent=audit.etag is None,
            if_match=audit.etag,
        )
    except ConditionFailedError:
        return False
    missing = find_missing(manifest, sound, channels)
    batches = (
        missing[start : start + _MASTERS_A_TIME]
        for start in range(0, len(missing), _MASTERS_A_TIME)
    )
    read = (read_renditions(store, batch, channels)[0] for batch in batches)
    merge_renditions(store, manifest, channels, read)
    return True


def _without(table: StoredTable | None, audit: _Audit) -> StoredTable:
    """The table without the rows of files that are not as they should be."""
    import numpy as np

    empty = StoredTable(write_parquet(build_frame([])))
    if table is None:
        return empty
    keys = table.read_texts("object_key")
    kept = [place for place, key in enumerate(keys) if key not in audit.bad]
    return merge_rows(table, build_frame([]), np.array(kept)) if kept else empty


def _read_table(store: ObjectStore) -> tuple[StoredTable | None, str | None]:
    try:
        body = store.get(RENDITIONS_KEY)
    except ObjectNotFoundError:
        return None, None
    return StoredTable(body.data), body.info.etag
