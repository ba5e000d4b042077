"""The manifest held against the ledger, and built again where it is damaged or disagrees."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from flux_assets.errors import ObjectNotFoundError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.manifest.addresses import ADDRESSES, find_misplaced
from flux_assets.manifest.refresh import write_manifest
from flux_assets.manifest.rows import COLUMNS, COMPARABLE, build_manifest, build_manifest_rows
from flux_assets.manifest.stored import MANIFEST_KEY, open_manifest
from flux_assets.pictures.lineage import LineageRecord, build_plain_metadata
from flux_assets.prompts.requests_table import (
    REQUESTS_KEY,
    build_identities,
    read_requests,
    select_identities,
    select_places,
    select_unmade,
)
from flux_assets.storage.frames import is_in
from flux_assets.storage.object_store import ObjectStore, quote_segment
from flux_assets.storage.parquet import StoredTable, open_table, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.stored_json import DamagedObjectError
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd


class ManifestAudit:
    """One store's manifest as it was read, and what the ledger says of its rows.

    `unreadable` are the tables that cannot be read, by key, with why. `misplaced` are the product
    and shot of each row whose addresses are not of the store and settings of now.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.unreadable: dict[str, str] = {}
        self._folder: TableFolder | None = None  # it stays whole, or in parts, as it lies
        self._manifest, self._etag = self._read_manifest()
        self._requests = self._read_requests()
        self._compared: list[str] = []
        self._rows: dict[str, tuple[int, str, str]] = {}
        self.misplaced: list[tuple[str, str]] = []
        if self._manifest is not None:
            self.misplaced = _find_misplaced(self._manifest, store)
            self._compared = [name for name in self._manifest.columns if name in COMPARABLE]
            self._rows = dict(_digest_rows(self._manifest, self._compared))
        self.row_count = len(self._rows)
        self._differing: dict[str, tuple[str, str, str]] = {}
        self._newest: dict[tuple[str, str], tuple[str, str]] = {}
        wanted = self._wanted()
        self._current = {fingerprint[:32] for fingerprint in wanted["fingerprint"]}
        self._current |= {fingerprint[:32] for fingerprint in self._rows}
        self._owners = {(shot, quote_segment(it)) for it, shot in _owners(wanted)}
        self._owners |= {(shot, quote_segment(it)) for _, it, shot in self._rows.values()}

    def is_current(self, fingerprint: str) -> bool:
        """Whether a picture, by 32 digits or all, is shown or asked for; True if none is known."""
        return not self._owners or fingerprint[:32] in self._current

    def has_owner(self, shot: str, quoted_product: str) -> bool:
        """Whether there is still this shot of this product; True where nothing is known."""
        return not self._owners or (shot, quoted_product) in self._owners

    def compare(self, lineage: LineageRecord, *, has_picture: bool) -> None:
        """Hold a stored picture's row, if it has one, against its lineage."""
        owner = lineage.product_id, lineage.shot
        if has_picture:
            known = (lineage.generated_at, lineage.request_fingerprint)
            self._newest[owner] = max(known, self._newest.get(owner, known))
        row = self._rows.pop(lineage.request_fingerprint, None)
        if row is not None:
            plain = build_plain_metadata(lineage)
            if hash(tuple(plain[name] for name in self._compared)) != row[0]:
                told = "its row says something else than its ledger entry"
                self._differing[lineage.request_fingerprint] = (*owner, told)

    def differing(self, *, ignored: Iterable[str]) -> Mapping[str, tuple[str, str, str]]:
        """Once all are compared: product, shot and what is wrong, by the row's fingerprint.

        Args:
            ignored: fingerprints of which nothing can be said.
        """
        unknown = {
            fingerprint: (product_id, shot, "the ledger knows no stored picture of its row")
            for fingerprint, (_, product_id, shot) in self._rows.items()
            if fingerprint not in set(ignored)
        }
        return self._differing | unknown

    def find_request(self, short_fingerprint: str) -> ImageRequest | None:
        """What the last refresh asked for under these 32 digits of a fingerprint."""
        if self._requests is None:
            return None
        fingerprints = self._requests["fingerprint"]
        rows = self._requests[fingerprints.str.startswith(short_fingerprint)]
        return next(read_requests(rows), None)

    def rebuild(
        self,
        wrong: Collection[str],
        read_lineage: Callable[[Iterable[str]], Mapping[str, LineageRecord]],
    ) -> None:
        """Write the manifest anew: its right rows, and the ledger's for what else there is.

        A product and shot without a right row takes its current picture, else the one made last,
        by the time of its call: stale, unless what the last refresh asked for cannot be read;
        then it counts as current until the next refresh. One that the last refresh did not ask
        for keeps its row, stale: that refresh may have been refused for a catalog cut short.

        Args:
            wrong: the fingerprints of rows to leave out.
            read_lineage: gives the lineage, by fingerprint, of those whose picture is there.

        Raises:
            ConditionFailedError: another writer was first.
        """
        import pandas as pd

        def read(wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
            return read_lineage([item.fingerprint for item in wanted])

        kept = build_manifest_rows([], self._store)
        if self._manifest is not None and set(COLUMNS) <= set(self._manifest.columns):
            kept = self._manifest[~is_in(self._manifest["request_fingerprint"], wrong)]
        asked = _owners(self._wanted())
        shown = set(self._newest) if self._manifest is None else _owners(self._manifest)
        needed = (asked | shown) - _owners(kept)
        last = [name for owner, (_, name) in self._newest.items() if owner in needed]
        found = build_manifest_rows(read_lineage(last).values(), self._store)
        rows = pd.concat([kept, found]).astype(dict(COLUMNS))
        requests = _identify_rows(rows) if self._requests is None else self._wanted()
        gone = [RequestIdentity(*owner, "") for owner in sorted(shown - _owners(requests))]
        requests = pd.concat([requests, build_identities(gone)], ignore_index=True)
        previous = StoredTable(write_parquet(rows))
        manifest = build_manifest(
            requests,
            previous=previous,
            read_lineage=read,
            store=self._store,
            folder=self._folder,
        )
        write_manifest(self._store, manifest, over=self._etag)

    def _wanted(self) -> "pd.DataFrame":
        if self._requests is None:
            return build_identities([])
        identities = self._requests[list(RequestIdentity._fields)]
        return select_places(identities, select_unmade(self._requests))

    def _read_manifest(self) -> tuple["pd.DataFrame | None", str | None]:
        stored = open_manifest(self._store)
        if stored is None:
            return None, None
        try:
            if stored.is_in_parts:
                self._folder = TableFolder(self._store, MANIFEST_KEY)
            return stored.read(), stored.etag
        except DamagedObjectError:
            self.unreadable[MANIFEST_KEY] = "it is damaged"
            return None, stored.etag

    def _read_requests(self) -> "pd.DataFrame | None":
        try:
            table = open_table(self._store, REQUESTS_KEY).read()
            select_identities(table)
        except ObjectNotFoundError:
            return None
        except NO_TABLE:
            self.unreadable[REQUESTS_KEY] = "it is damaged; the next refresh writes it anew"
            return None
        return table


def _digest_rows(
    manifest: "pd.DataFrame", names: list[str]
) -> Iterator[tuple[str, tuple[int, str, str]]]:
    """By fingerprint: a hash of a row's values, which takes less room, its product and shot."""
    identity = manifest[["request_fingerprint", "product_id", "shot"]]
    for who, values in zip(
        identity.itertuples(index=False, name=None),
        manifest[names].itertuples(index=False, name=None),
        strict=True,
    ):
        yield who[0], (hash(values), who[1], who[2])


def _find_misplaced(manifest: "pd.DataFrame", store: ObjectStore) -> list[tuple[str, str]]:
    if not set(ADDRESSES) <= set(manifest.columns):
        return []
    rows = manifest[find_misplaced(manifest, store)]
    return [(str(product_id), str(shot)) for product_id, shot in sorted(_owners(rows))]


def _owners(manifest: "pd.DataFrame") -> set[tuple[str, str]]:
    return set(manifest[["product_id", "shot"]].itertuples(index=False, name=None))


def _identify_rows(manifest: "pd.DataFrame") -> "pd.DataFrame":
    fingerprints = manifest["request_fingerprint"].mask(manifest["stale"], "")
    return manifest[["product_id", "shot"]].assign(fingerprint=fingerprints)
