"""An audit of a store: its pictures, its ledger and its manifest held against each other.

Nothing is bought and nothing is removed. While a refresh buys, a picture may be found between its
put and its last ledger write.
"""

import hashlib
from collections.abc import Iterable, Mapping

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.ledger_scan import LedgerObject, scan_ledger
from flux_assets.buying.picture_records import PictureRecords
from flux_assets.errors import (
    ConditionFailedError,
    FluxAssetsError,
    ObjectNotFoundError,
    PictureError,
    StoreError,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.findings import FindingKind, StoreFindings
from flux_assets.manifest.repair import ManifestAudit
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.object_store import PICTURE_KEY, ledger_key, picture_prefix
from flux_assets.storage.parallel import map_in_parallel

_WRITE_AGAIN = (
    "restore it from a backup; or, where its picture is stored, delete it and run "
    "`flux-assets verify --repair`, which writes it again"
)

_MOVED = (
    "its object_uri or url is not where the store and FLUX_ASSETS_PUBLIC_URL have it now; the next "
    "refresh mends it, too"
)

_Problem = tuple[FindingKind, str]


def verify_store(records: PictureRecords, *, deep: bool, repair: bool) -> StoreFindings:
    """Find everything that is wrong with a store, and mend what can be mended without a call.

    Args:
        records: of the store and its ledger.
        deep: read every picture, too, not only its size.
        repair: write the missing ledger entry of a stored picture, and build a damaged or
            differing manifest again.

    Raises:
        StoreError: the store cannot be listed, or not be written to.
    """
    audit = _Audit(records, deep=deep, repair=repair)
    audit.list_pictures()
    audit.read_ledger()
    audit.adopt_pictures()
    audit.judge_manifest()
    return audit.findings


class _Audit:
    """One audit; the ledger is read after the pictures were listed, as it is written after them.

    Of each picture and entry only names and sizes are held.
    """

    def __init__(self, records: PictureRecords, *, deep: bool, repair: bool) -> None:
        self.findings = StoreFindings()
        self._records = records
        self._store = records.store
        self._deep = deep
        self._repair = repair
        self._manifest = ManifestAudit(self._store)
        self._sizes: dict[str, int] = {}
        self._behind: dict[str, str] = {}
        self._unreadable: set[str] = set()
        self._sound: set[str] = set()

    def list_pictures(self) -> None:
        """Note what is shown no more; what is no picture's key is not looked at."""
        for info in self._store.list(picture_prefix()):
            match = PICTURE_KEY.fullmatch(info.key)
            if match is None:
                continue
            self._sizes[info.key] = info.size_bytes
            if self._manifest.is_current(match["short"]):
                continue  # though it may lie under a former id of its product
            has_owner = self._manifest.has_owner(match["shot"], match["product"])
            self.findings.note("superseded" if has_owner else "orphaned", info.key)
        self.findings.pictures = len(self._sizes)

    def read_ledger(self) -> None:
        """Hold every entry against its picture, and every row of the manifest against both."""
        for item, problem in map_in_parallel(self._inspect, scan_ledger(self._store)):
            if item.is_extra:
                told = _name(item.entry) if item.entry else item.problem
                self.findings.note("extra_reply", item.key, told)
            elif item.entry is None:
                self._unreadable.add(item.fingerprint)
                self.findings.note("unreadable", item.key, f"{item.problem}; {_WRITE_AGAIN}")
            else:
                self.findings.entries += 1
                self._judge(item.entry, problem)

    def adopt_pictures(self) -> None:
        """Note the pictures that no entry says are stored, and write those entries."""
        unreadable = {fingerprint[:32] for fingerprint in self._unreadable}
        for key in self._sizes:
            short = key.rpartition("/")[2].partition(".")[0]
            if short in unreadable:
                continue
            entry = (
                self._records.ledger.read(self._behind[short]) if short in self._behind else None
            )
            if entry and entry.is_pruned(key) and not self._manifest.is_current(short):
                continue  # `prune` was cut off before it deleted it
            detail = f"its ledger entry says {entry.state}" if entry else "it has no ledger entry"
            request = (
                ImageRequest.from_json(entry.request)
                if entry
                else self._manifest.find_request(short)
            )
            if request is None:
                detail += ", and the last refresh did not ask for it; restore the entry"
                self.findings.note("without_lineage", key, detail)
            elif self._repair:
                self._adopt(request, key, detail)
            else:
                self.findings.note("without_lineage", key, detail)

    def judge_manifest(self) -> None:
        """Note what is wrong with the manifest, and build it again."""
        differing = self._manifest.differing(ignored=self._unreadable)
        is_damaged = MANIFEST_KEY in self._manifest.unreadable
        misplaced = self._manifest.misplaced
        is_repaired = self._repair and bool(is_damaged or differing or misplaced)
        if is_repaired:
            try:
                self._manifest.rebuild(differing, self._read_sound)
            except ConditionFailedError:  # another writer was first: the next audit will tell
                is_repaired = False
        for key, problem in self._manifest.unreadable.items():
            self.findings.note(
                "unreadable", key, problem, is_repaired=is_repaired and key == MANIFEST_KEY
            )
        for product_id, shot, problem in differing.values():
            detail = f"product {product_id!r}, shot {shot}: {problem}"
            self.findings.note("manifest", MANIFEST_KEY, detail, is_repaired=is_repaired)
        for product_id, shot in misplaced:
            detail = f"product {product_id!r}, shot {shot}: {_MOVED}"
            self.findings.note("manifest", MANIFEST_KEY, detail, is_repaired=is_repaired)
        self.findings.rows = self._manifest.row_count

    def _inspect(self, item: LedgerObject) -> tuple[LedgerObject, _Problem | None]:
        """What is wrong with the picture of an entry, if it has one; on any thread."""
        if item.entry is None or item.is_extra or item.entry.state != "stored":
            return item, None
        lineage = item.entry.lineage
        if lineage is None:
            return item, None
        try:
            return item, self._inspect_picture(lineage)
        except ObjectNotFoundError:
            return item, ("missing", "its ledger entry says stored")
        except PictureError as error:
            return item, ("damaged", str(error))
        except StoreError as error:
            return item, ("unreadable", error.problem)

    def _inspect_picture(self, lineage: LineageRecord) -> _Problem | None:
        key = lineage.object_key
        size_bytes = self._sizes.get(key)
        if self._deep:
            data = self._store.get(key).data
            if hashlib.sha256(data).hexdigest() != lineage.sha256:
                return "damaged", "its bytes are not those that were stored (another sha256)"
            self._records.likeness.inspect(data)
        elif size_bytes is None:  # it may have come after the listing
            size_bytes = self._store.head(key).size_bytes
        if size_bytes is not None and size_bytes != lineage.size_bytes:
            return "damaged", f"it has {size_bytes} bytes, not {lineage.size_bytes}"
        return None

    def _judge(self, entry: LedgerEntry, problem: _Problem | None) -> None:
        lineage = entry.lineage
        if entry.state != "stored" or lineage is None:
            self._behind[entry.fingerprint[:32]] = entry.fingerprint
            if entry.state == "accepted" and entry.kept_aside:
                detail = f"{_name(entry)}: {entry.reason}"
                self.findings.note("undecoded", entry.kept_aside, detail)
            if entry.state == "lost" or (entry.state == "accepted" and entry.asks):
                self.findings.note(
                    "unfetched",
                    ledger_key(entry.fingerprint),
                    f"{_name(entry)}: paid, and {entry.state}: {entry.reason}",
                )
            return
        self._sizes.pop(lineage.object_key, None)
        if problem is None:
            self._sound.add(entry.fingerprint)
        elif problem[0] == "missing" and not self._manifest.is_current(entry.fingerprint):
            self.findings.note("deleted", lineage.object_key)
        else:
            self.findings.note(problem[0], lineage.object_key, f"{_name(entry)}: {problem[1]}")
        self._manifest.compare(lineage, has_picture=problem is None)

    def _adopt(self, request: ImageRequest, key: str, detail: str) -> None:
        try:
            lineage, _ = self._records.adopt(request, key)
        except PictureError as error:
            self.findings.note("damaged", key, f"{detail}, and none can be made of it: {error}")
        except FluxAssetsError as error:
            self.findings.note("without_lineage", key, f"{detail}: {error}")
        else:
            self.findings.note("without_lineage", key, detail, is_repaired=True)
            self._sound.add(request.fingerprint)
            self._manifest.compare(lineage, has_picture=True)

    def _read_sound(self, fingerprints: Iterable[str]) -> Mapping[str, LineageRecord]:
        wanted = [item for item in fingerprints if item in self._sound]
        entries = self._records.ledger.read_many(wanted)
        return {name: entry.lineage for name, entry in entries.items() if entry.lineage}


def _name(entry: LedgerEntry) -> str:
    call = f", call {entry.uuid}" if entry.uuid else ""
    return f"product {entry.request['product_id']!r}, shot {entry.request['shot']}{call}"
