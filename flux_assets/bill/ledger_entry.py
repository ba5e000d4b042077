"""One ledger entry: what is known about the one paid call of a request fingerprint."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

from flux_assets.bill.process_identity import NO_THREAD, ProcessIdentity, ThreadIdentity
from flux_assets.errors import FluxAssetsError
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.stored_json import read_stored_json

FORMAT = 1

PRUNED = "pruned"
"""What the reason of an entry begins with whose picture was deleted on purpose."""

_SHORT_DIGITS = 16
State = Literal["claimed", "accepted", "stored", "refused", "failed", "unknown", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedCall:
    """What a paid reply says and must never be lost; times are ISO 8601 in UTC.

    `temporary_url` is signed: it is kept only while it is needed to fetch the picture. One that
    `is_processing` has only its uuid so far, and its picture may still fail to be made.
    `asset_key` is the vendor's, of the uploaded photo that the picture was made from, if any.
    """

    uuid: str
    result_keys: tuple[str, ...]
    temporary_url: str = field(repr=False)
    accepted_at: str
    latency_seconds: float
    is_processing: bool = False
    asset_key: str = ""

    def __str__(self) -> str:
        return f"call {self.uuid} is paid"

    def as_changes(self) -> dict[str, Any]:
        """The fields of the ledger entry that it decides."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"state": "accepted", "reason": "", "asks": 0, "unfetched_since": ""} | plain


UNANSWERED: Mapping[str, Any] = MappingProxyType(
    {
        "uuid": "",
        "result_keys": (),
        "temporary_url": "",
        "accepted_at": "",
        "latency_seconds": 0.0,
        "is_processing": False,
        "asset_key": "",
        "asks": 0,
        "unfetched_since": "",
        "kept_aside": "",
    }
)
"""The fields that an `AcceptedCall` decides, where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One fingerprint's entry as read; `etag` and `modified_at` are the store's.

    `revision`, `claim_id` and `state` name a write, so that a writer can recognise its own.
    `attempts` counts sends, of all runs; `possibly_paid_twice` those sent again after an unknown
    outcome, and paid replies that came second. A claim is good for `lease_seconds` from
    `modified_at` on; an older release wrote none. `asks` counts how often its paid picture was
    asked for in vain, from `unfetched_since` on, by the store's clock. `kept_aside` is the key
    of an accepted picture's bytes that could not be decoded. `temporary_url` is kept
    until it is stored; until then `is_processing` says that no result was there when it was
    written.
    """

    fingerprint: str
    state: State
    revision: int
    claim_id: str
    run_id: str
    step: str
    process: ProcessIdentity
    attempts: int
    request: Mapping[str, Any]
    possibly_paid_twice: int = 0
    thread: ThreadIdentity = NO_THREAD
    lease_seconds: float = 0.0
    uuid: str = ""
    result_keys: tuple[str, ...] = ()
    temporary_url: str = field(default="", repr=False)
    accepted_at: str = ""
    latency_seconds: float = 0.0
    is_processing: bool = False
    asset_key: str = ""
    asks: int = 0
    unfetched_since: str = ""
    kept_aside: str = ""
    reason: str = ""
    lineage: LineageRecord | None = None
    etag: str = field(default="", compare=False)
    modified_at: datetime | None = field(default=None, compare=False)

    def to_bytes(self) -> bytes:
        """The stored JSON; fields at their default are left out."""
        plain: dict[str, Any] = {"format": FORMAT}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in {"etag", "modified_at", "lineage"} and value != item.default:
                plain[item.name] = value
        plain["process"] = asdict(self.process)
        if self.lineage is not None:
            plain["lineage"] = self.lineage.to_json()
        return json.dumps(plain, sort_keys=True).encode()

    @staticmethod
    def from_bytes(data: bytes, *, etag: str, modified_at: datetime, uri: str) -> "LedgerEntry":
        """Read back what `to_bytes` wrote.

        Raises:
            StoreError: the object is no ledger entry, or of a newer format.
        """

        def read(plain: dict[str, Any]) -> LedgerEntry:
            if plain["state"] not in get_args(State):
                raise ValueError(f"its state {plain['state']!r} is not known")
            known = {item.name for item in fields(LedgerEntry)}
            values = {name: value for name, value in plain.items() if name in known}
            values["process"] = ProcessIdentity(**plain["process"])
            values["thread"] = ThreadIdentity(*plain.get("thread", NO_THREAD))
            values["result_keys"] = tuple(plain.get("result_keys", ()))
            if "lineage" in plain:
                values["lineage"] = LineageRecord.from_json(plain["lineage"])
            return LedgerEntry(**values, etag=etag, modified_at=modified_at)

        return read_stored_json(data, uri, read, kind="ledger entry", newest_format=FORMAT)

    def is_of(self, call: AcceptedCall) -> bool:
        """Whether it is this call that was accepted; a finished one may have come without uuid."""
        if self.uuid or call.uuid:
            return self.uuid == call.uuid
        return self.result_keys == call.result_keys

    def is_renewal_of(self, claim: "LedgerEntry") -> bool:
        """Whether it is the same claim, which its holder has made young again since."""
        is_later = self.revision > claim.revision
        return is_later and self.state == "claimed" and self.claim_id == claim.claim_id

    def is_pruned(self, object_key: str) -> bool:
        """Whether it may be bought again because this picture of it was to be deleted."""
        is_released = self.state == "unknown" and not self.attempts
        return is_released and self.reason == pruned_reason(object_key)

    @property
    def write_id(self) -> tuple[str, int, State]:
        """What names one write; the state too, since one that seemed to fail may come late."""
        return self.claim_id, self.revision, self.state

    @property
    def holder(self) -> str:
        """Who wrote it, for people."""
        return f"run {self.run_id or 'unknown'}, step {self.step}, process {self.process.pid}"

    @property
    def release_command(self) -> str:
        """What lets the next run send its request again."""
        return f"flux-assets ledger release {self.fingerprint[:_SHORT_DIGITS]}"

    @property
    def explanation(self) -> str:
        """Why nothing is sent for a request with this entry, for people."""
        release = f"`{self.release_command}`"
        match self.state:
            case "claimed":
                return (
                    f"claimed by {self.holder}: either it still works on it, or it ended in send "
                    f"{self.attempts}, which may have been paid; if it has ended, {release} lets "
                    "the next run send it again"
                )
            case "unknown":
                return (
                    f"sent {self.attempts} times without a reply, so it may have been paid; "
                    "FLUX_ASSETS_MAX_ATTEMPTS or FLUX_ASSETS_ON_UNKNOWN_OUTCOME allows no more "
                    f"({self.reason}); {release} lets the next run send it all the same"
                )
            case "failed":
                return f"failed {self.attempts} times: {self.reason}"
            case _:
                return self.reason or f"the ledger says {self.state}, by {self.holder}"


def pruned_reason(object_key: str) -> str:
    """The reason of an entry whose picture is deleted: what was paid is not there any more."""
    return f"{PRUNED}: {object_key} was stored and then deleted on purpose"


class ClaimLostError(FluxAssetsError):
    """Another writer holds the entry now; `found` is what it says."""

    def __init__(self, found: LedgerEntry) -> None:
        super().__init__(f"the ledger entry is {found.state} by {found.holder}")
        self.found = found
