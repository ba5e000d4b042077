"""All that the store says of single products: their pictures, what is asked for, what was paid."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.send_rules import SendRules
from flux_assets.bill.waiting import WaitingRequest, WaitingRequests
from flux_assets.catalog.product import RejectedRow
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.rows import ADDED_COLUMNS, COLUMNS, build_manifest_row
from flux_assets.manifest.stored import StoredManifest, open_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.planning.against_store import plan_against_store
from flux_assets.planning.changes import explain_changes
from flux_assets.planning.last_tables import KnownProduct, find_known, read_last_rows
from flux_assets.planning.one_picture import read_stored_pictures
from flux_assets.planning.plan_table import PlanRow
from flux_assets.prompts.inputs import load_shots
from flux_assets.prompts.overrides import Override, OverridesFile
from flux_assets.prompts.requests_table import REQUESTS_KEY, read_requests, select_identities
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore, picture_prefix, table_key

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

_REJECTED_KEY = table_key("rejected_rows.parquet")
_Place = tuple[str, str]
"""A product, by its id of now, and a shot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShot:
    """One shot of a product.

    `status` is a plan's, of what the last refresh asked for and as things are now; where it asked
    for nothing, `skipped` or `error`, and `not_asked` where it knew of no such picture. `entry` is
    the ledger's of what is asked for, `waiting` the same where it waits for a person. `picture` has
    the manifest's columns, also if it is stored and not `in_manifest` yet.
    """

    shot: str
    status: str
    reason: str
    asked: ImageRequest | None
    entry: LedgerEntry | None
    waiting: WaitingRequest | None
    picture: Mapping[str, Any] | None
    in_manifest: bool
    override: Override


@dataclass(frozen=True, slots=True, kw_only=True)
class OneProduct:
    """A product and its shots; `rejected_rows` are those of the catalog that have its id."""

    known: KnownProduct
    rejected_rows: tuple[RejectedRow, ...]
    shots: tuple[OneShot, ...]

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.known.in_catalog or self.rejected_rows or self.shots)


def read_one_products(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    wanted: Sequence[str],
    overrides: OverridesFile,
) -> list[OneProduct]:
    """Each wanted product once, also one that nothing is known of.

    Args:
        settings: of the shop.
        store: the shop's.
        ledger: of the same store; it is only read.
        wanted: ids of now or former ones, however they are written.
        overrides: as they are now.

    Raises:
        SourceError, ShotsFileError: the shots file cannot be read.
        StoreError: the store cannot be read, or a table is damaged.
    """
    products = find_known(store, wanted)
    rejected = read_last_rows(store, _REJECTED_KEY, {it.product_id for it in products})
    names = tuple(field.name for field in fields(RejectedRow))
    found = [] if rejected is None else list(read_rows(rejected, names))
    rows = [RejectedRow(**dict(zip(names, row, strict=True))) for row in found]
    reader = _Reader(settings, store, ledger, products, overrides)
    return [
        OneProduct(
            known=it,
            rejected_rows=tuple(row for row in rows if row.product_id == it.product_id),
            shots=tuple(reader.read_shots(it)),
        )
        for it in products
    ]


class _Asked(NamedTuple):
    """A row of the table of requests, as far as it is told."""

    product_id: str
    shot: str
    fingerprint: str
    error: str
    skipped: str
    detail: str
    doubt: str

    @property
    def without_request(self) -> tuple[str, str]:
        """The status of one that there is no request of, and why."""
        if self.skipped:
            return "skipped", ": ".join(filter(None, (self.skipped, self.detail)))
        return "error", self.error


class _Reader:
    """What the last refresh left of some products, and how that stands now."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        ledger: Ledger,
        products: Sequence[KnownProduct],
        overrides: OverridesFile,
    ) -> None:
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._overrides = overrides
        self._waiting = WaitingRequests(store=store, ledger=ledger, rules=SendRules.of(settings))
        manifest = open_manifest(store)
        self._shown = _read_shown(manifest, products)
        table = read_last_rows(store, REQUESTS_KEY, {it.product_id for it in products})
        self._rows: dict[_Place, _Asked] = {}
        self._requests: dict[_Place, ImageRequest] = {}
        self._standings: dict[_Place, PlanRow] = {}
        if table is not None:
            # An older release's lacks some.
            table = table.assign(**{name: "" for name in _Asked._fields if name not in table})
            rows = map(_Asked._make, read_rows(table, _Asked._fields))
            self._rows = {(row.product_id, row.shot): row for row in rows}
            self._requests = {(it.product_id, it.shot): it for it in read_requests(table)}
            self._standings = self._plan(table, products, manifest)
        self._entries = ledger.read_many({it.fingerprint for it in self._requests.values()})

    def read_shots(self, product: KnownProduct) -> Iterator[OneShot]:
        """What is asked for, in its order, then other shots of which there are pictures."""
        asked = [shot for owner, shot in self._rows if owner == product.product_id]
        others = [shot for owner, shot in self._shown if owner == product.product_id]
        if not asked:
            others = [*(shot.name for shot in load_shots(self._settings).shots), *others]
        for shot in dict.fromkeys((*asked, *others)):
            found = self._read_shot(product, shot)
            if found.picture or shot in asked or product.in_catalog:
                yield found

    def _read_shot(self, product: KnownProduct, shot: str) -> OneShot:
        place = product.product_id, shot
        request, entry = self._requests.get(place), None
        status, reason = "not_asked", ""
        if request is not None:
            standing = self._standings[place]
            status, reason = standing.status, standing.reason
            entry = self._entries.get(request.fingerprint)
            if status == "stored" and not (entry and entry.lineage):
                uri = self._store.uri_for(standing.object_key)
                reason = f"{uri} is not noted in the ledger yet; the next refresh does that"
        elif place in self._rows:
            status, reason = self._rows[place].without_request
        waiting = self._waiting.judge(entry) if entry else None
        shown = self._shown.get(place)
        picture = shown
        if status == "stored" and entry and entry.lineage:
            if shown is None or shown["request_fingerprint"] != entry.fingerprint:
                picture = self._build_row(product, entry.lineage)
        elif shown is None:
            stored = read_stored_pictures(self._store, self._ledger, shot, product.ids)
            picture = self._build_row(product, stored[-1]) if stored else None
        return OneShot(
            shot=shot,
            status=status,
            reason=reason or (waiting.reason if waiting else ""),
            asked=request,
            entry=entry,
            waiting=waiting,
            picture=picture,
            in_manifest=picture is not None and picture is shown,
            override=self._overrides.find(product.product_id, shot),
        )

    def _build_row(self, product: KnownProduct, record: LineageRecord) -> dict[str, Any]:
        """As the manifest will have it."""
        named = {"title": product.title, "category": product.category}
        row = {**build_manifest_row(record, self._store), **named}
        return {name: row[name] for name in COLUMNS}

    def _plan(
        self,
        table: "pd.DataFrame",
        products: Sequence[KnownProduct],
        manifest: StoredManifest | None,
    ) -> dict[_Place, PlanRow]:
        """How each request stands now, as a plan has it."""
        ids = {it.product_id: it.ids for it in products}
        plan = plan_against_store(
            self._settings,
            self._store,
            self._ledger,
            select_identities(table),
            former_ids={product_id: it[1:] for product_id, it in ids.items()},
            doubts={row.fingerprint: row.doubt for row in self._rows.values() if row.doubt},
            prefixes=[
                picture_prefix(shot, it) for owner, shot in self._requests for it in ids[owner]
            ],
        )
        plan = explain_changes(plan, self._requests.values(), manifest)
        return {(row.product_id, row.shot): row for row in plan.rows}


def _read_shown(
    manifest: StoredManifest | None, products: Iterable[KnownProduct]
) -> dict[_Place, dict[str, Any]]:
    """The manifest's rows, in its columns of now as far as it has them."""
    if manifest is None:
        return {}
    owners = {it: product.product_id for product in products for it in product.ids}
    names = manifest.column_names
    rows = manifest.read(names, where=("product_id", owners))
    found = (
        {**ADDED_COLUMNS, **dict(zip(names, row, strict=True))} for row in read_rows(rows, names)
    )
    return {
        (owners[row["product_id"]], row["shot"]): {it: row[it] for it in COLUMNS if it in row}
        for row in found
    }
