"""What the vendor, the ledger and the store say after a kill storm, and what must hold of it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import NamedTuple

from pydantic import SecretStr

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.errors import FluxAssetsError, ObjectNotFoundError
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.faults import FAULTS, FaultDeck, Faults, digest_request
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.image_api.simulator.state import BillLine, SimulatorState
from flux_assets.pictures.inspect import inspect_picture
from flux_assets.settings import load_settings
from flux_assets.storage.object_store import ObjectStore, upload_key

_TIMEOUT_SECONDS = 60
_ARRIVAL_SECONDS = 1.0
"""What a killed run had sent may arrive so long after its end."""


class Life(NamedTuple):
    """From a run's start to its end, in epoch seconds."""

    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """All that the vendor was given of one photo.

    Attributes:
        asset_keys: of each time that it was uploaded.
        is_noted: whether the store names one of them.
        runs: how many were there between the first upload and the noting of a key: no other had
            a reason to upload it, and each of them had one at most.
    """

    asset_keys: tuple[str, ...]
    is_noted: bool
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Compares every request with what the vendor made of it, and adds up what was paid.

    Args:
        requests: that the storm wanted.
        entries: the ledger's, by fingerprint.
        accepted: the first paid call that the ledger was seen to know, by fingerprint.
        lives: of all runs.
        store: with the pictures and the day's counters.
        vendor: the simulator's state.
        faults: that it had.
        base_url: where it answers.
    """

    requests: Sequence[ImageRequest]
    entries: Mapping[str, LedgerEntry]
    accepted: Mapping[str, str]
    lives: Sequence[Life]
    store: ObjectStore
    vendor: SimulatorState
    faults: Faults
    base_url: str

    def judge_pictures(self) -> Counter[str]:
        """How many pictures are right, missing, corrupt, or another than the vendor made."""
        options = replace(ApiOptions.of(load_settings({})), base_url=self.base_url)
        client = ImageApiClient(options, api_key=SecretStr(SAMPLE_KEY))
        bill = {line.uuid: line for line in self.vendor.read_bill()}
        with ThreadPoolExecutor(8) as pool:
            verdicts = pool.map(lambda request: self._judge(request, client, bill), self.requests)
            return Counter(verdicts)

    def count_strays(self) -> int:
        """Pictures in the store that belong to no request."""
        wanted = {entry.lineage.object_key for entry in self.entries.values() if entry.lineage}
        return sum(info.key not in wanted for info in self.store.list("images/"))

    def count_paid(self) -> Counter[str]:
        """Paid calls: of pictures and of failures, and those whose reply did not arrive."""
        bill = self.vendor.read_bill()
        counts = Counter[str]()
        for line in bill:
            counts["pictures" if line.outcome == "SUCCESS" else "failures"] += 1
            if line.reply_lost:
                faults = self._find_faults(line)
                counts["lost replies" if "lost_reply" in faults else "billed 5xx"] += 1
        return counts

    def count_paid_after_accepted(self) -> int:
        """Calls that were paid for a request whose paid reply was noted already.

        The bill is in the order of the sends, and nobody sends while another's call is open.
        """
        paid: dict[str, list[str]] = {}
        for line in self.vendor.read_bill():
            paid.setdefault(line.prompt, []).append(line.uuid)
        late = 0
        for request in self.requests:
            uuids, accepted = paid.get(request.prompt, []), self.accepted.get(request.fingerprint)
            if accepted in uuids:
                late += len(uuids) - 1 - uuids.index(accepted)
        return late

    def count_resent(self) -> int:
        """Sends after an unknown outcome, as the ledger counts them."""
        return sum(entry.possibly_paid_twice for entry in self.entries.values())

    def count_sends(self) -> tuple[int, int]:
        """Calls that came to the vendor: those that count, and those its rate limit sent away."""
        deck = FaultDeck(self.faults)
        sends = limited = 0
        for call_type, digest in self._list_digests():
            for send in range(1, self.vendor.read_sends(digest) + 1):
                faults = [FAULTS[name] for name in deck.deal(digest, send)]
                gate = [fault for fault in faults if fault.stage == "gateway"]
                struck = [fault for fault in gate if fault.strikes(call_type)]
                is_limited = struck[:1] == [FAULTS["rate_limited"]]
                limited += is_limited
                sends += not is_limited
        return sends, limited

    def list_uploads(self) -> list[Upload]:
        """What the vendor was given of each photo that a request edits."""
        keys_of = self._find_asset_keys()
        photos = {request.source_sha256 for request in self.requests} - {""}
        return [self._read_upload(photo, keys_of.get(photo, ())) for photo in sorted(photos)]

    def _read_upload(self, photo_sha256: str, asset_keys: tuple[str, ...]) -> Upload:
        try:
            note = self.store.get(upload_key(photo_sha256))
        except ObjectNotFoundError:
            return Upload(asset_keys=asset_keys, is_noted=False, runs=0)
        first_at = min(
            (self.vendor.find_upload_time(key) or 0.0 for key in asset_keys), default=0.0
        )
        noted_at = note.info.modified_at.timestamp()
        return Upload(
            asset_keys=asset_keys,
            is_noted=json.loads(note.data)["asset_key"] in asset_keys,
            runs=sum(
                life.began_at <= noted_at and life.ended_at + _ARRIVAL_SECONDS >= first_at
                for life in self.lives
            ),
        )

    def _find_asset_keys(self) -> dict[str, tuple[str, ...]]:
        """The asset keys of each photo, by its sha256."""
        found: dict[str, tuple[str, ...]] = {}
        for key in self.vendor.list_assets():
            digest = sha256(self.vendor.read_asset(key)).hexdigest()
            found[digest] = (*found.get(digest, ()), key)
        return found

    def _list_digests(self) -> Iterator[tuple[str, str]]:
        """Each call's type, and what names it at the vendor: an edit's, by each asset key."""
        keys_of = self._find_asset_keys()
        for request in self.requests:
            if request.mode == "generate":
                yield request.type, digest_request(request.type, request.prompt_object)
            for key in keys_of.get(request.source_sha256, ()):
                sent = {**request.prompt_object, "imageUrl": key}
                yield request.type, digest_request(request.type, sent)

    def _judge(
        self, request: ImageRequest, client: ImageApiClient, bill: Mapping[str, BillLine]
    ) -> str:
        entry = self.entries.get(request.fingerprint)
        if entry is None or entry.state != "stored" or entry.lineage is None:
            return "missing"
        try:
            data = self.store.get(entry.lineage.object_key).data
            picture = inspect_picture(data, preview_px=0)
        except FluxAssetsError:
            return "corrupt"
        line = bill.get(entry.uuid)
        if line is None or (line.prompt, line.seed) != (request.prompt, request.seed):
            return "another request's"
        made = client.fetch_result(entry.uuid, timeout_seconds=_TIMEOUT_SECONDS)
        if made is None or not made.temporary_url:
            return "unknown to the vendor"
        vendors = client.download(made.temporary_url, timeout_seconds=_TIMEOUT_SECONDS)
        is_same = data == vendors and picture.sha256 == entry.lineage.sha256
        return "right" if is_same else "not the vendor's bytes"

    def _find_faults(self, line: BillLine) -> tuple[str, ...]:
        generation = self.vendor.find_generation(line.uuid)
        return generation.faults if generation is not None else ()


def read_reserved(store: ObjectStore) -> dict[str, int]:
    """What is reserved of each day's limit."""
    return {
        info.key: sum(json.loads(store.get(info.key).data)["reservations"].values())
        for info in store.list("budget/")
    }
