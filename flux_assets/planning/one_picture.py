"""The pictures of one product and shot: the one that is shown, those before it, what is asked."""

from collections.abc import Iterable
from dataclasses import dataclass

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_objects import LedgerObjects
from flux_assets.errors import FluxAssetsError
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.stored import open_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.pins import list_shorts, read_stored
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.wishes import Chosen
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore

LEAST_DIGITS = 8
"""As many of a fingerprint's as a pin needs."""


class NoSuchPictureError(FluxAssetsError):
    """There is no such picture of one product and shot; nothing was changed."""

    def __init__(self, shot: str, problem: str) -> None:
        super().__init__(f"shot {shot}: {problem}. Nothing was changed")
        self.shot = shot
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePicture:
    """One product and shot.

    `wanted` is the fingerprint that is asked for now, empty where nothing is; `pin` what the
    overrides pin. `stored` are its pictures, the oldest first. `shown` is the one of them that is
    shown: what is asked for if it is stored, else the last manifest's.
    """

    shot: str
    wanted: str
    pin: str
    stored: tuple[LineageRecord, ...]
    shown: LineageRecord | None

    def find_previous(self) -> LineageRecord:
        """The picture that came before the one that is shown.

        Raises:
            NoSuchPictureError: there is none.
        """
        if self.shown is None or self.shown == self.stored[0]:
            told = "is the first" if self.shown else "is none"
            raise NoSuchPictureError(self.shot, f"there is none before it: the one of now {told}")
        return self.stored[self.stored.index(self.shown) - 1]

    def find(self, fingerprint: str) -> LineageRecord:
        """The stored picture of a fingerprint, or of its first digits.

        Raises:
            NoSuchPictureError: there is none, there is more than one, or these are no digits.
        """
        start = fingerprint.lower()
        found = [it for it in self.stored if it.request_fingerprint.startswith(start)]
        if len(found) != 1 or len(start) < LEAST_DIGITS:
            known = ", ".join(it.request_fingerprint[:LEAST_DIGITS] for it in self.stored) or "none"
            problem = f"{fingerprint!r} is not the beginning, of {LEAST_DIGITS} digits or more, of"
            raise NoSuchPictureError(self.shot, f"{problem} one stored picture; there are: {known}")
        return found[0]


def read_pictures(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    chosen: Chosen,
    overrides: OverridesFile,
) -> list[OnePicture]:
    """Each chosen shot's pictures of the chosen product, with these overrides.

    Raises:
        StoreError: they cannot be read.
    """
    product_id = chosen.product.product_id
    owners = (product_id, *chosen.product.former_ids)
    rendered = render_requests(
        settings,
        store,
        ledger,
        products=[chosen.product],
        shots=chosen.shots,
        overrides=overrides,
    )
    wanted = {it.shot: it.fingerprint for it in rendered if isinstance(it, ImageRequest)}
    in_manifest = _read_manifest(store, owners)
    pictures = []
    for shot in chosen.shots:
        stored = read_stored_pictures(store, ledger, shot.name, owners)
        by_fingerprint = {it.request_fingerprint: it for it in stored}
        asked = wanted.get(shot.name, "")
        last = by_fingerprint.get(in_manifest.get(shot.name, ""))
        pictures.append(
            OnePicture(
                shot=shot.name,
                wanted=asked,
                pin=overrides.pins.get((product_id, shot.name), ""),
                stored=stored,
                shown=by_fingerprint.get(asked, last),
            )
        )
    return pictures


def read_stored_pictures(
    store: ObjectStore, ledger: LedgerObjects, shot: str, owners: Iterable[str]
) -> tuple[LineageRecord, ...]:
    """The pictures that are stored of one shot of a product, the oldest first.

    Args:
        store: the shop's.
        ledger: of the same store.
        shot: the shot's name.
        owners: the product's ids: the one of now, and former ones.

    Raises:
        StoreError: they cannot be read.
    """
    entries = [read_stored(store, ledger, short) for short in list_shorts(store, shot, owners)]
    records = [entry.lineage for entry in entries if entry is not None and entry.lineage]
    return tuple(sorted(records, key=lambda it: (it.generated_at, it.request_fingerprint)))


def _read_manifest(store: ObjectStore, owners: tuple[str, ...]) -> dict[str, str]:
    """The fingerprint that the last manifest has of each shot of a product."""
    manifest = open_manifest(store)
    if manifest is None:
        return {}
    columns = ("shot", "request_fingerprint")
    rows = manifest.read(columns, where=("product_id", set(owners)))
    return {str(shot): str(fingerprint) for shot, fingerprint in read_rows(rows, columns)}
