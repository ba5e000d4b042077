"""What a refresh would do and cost: the catalog's requests against the store; free."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from flux_assets.ledger import Standing
from flux_assets.ledger_entry import LedgerEntry
from flux_assets.store.object_store import ObjectStore, image_prefix, quote_segment

TYPICAL_LATENCY_SECONDS = 30.0
"""Half of the calls take 26 to 35 s at resellers of the same model; none was measured by us."""

PlanStatus = Literal[
    "new", "changed", "stored", "accepted", "refused", "failed", "held", "lost", "missing"
]
STATUSES: tuple[PlanStatus, ...] = get_args(PlanStatus)
TO_BUY: frozenset[PlanStatus] = frozenset({"new", "changed"})


class RequestIdentity(NamedTuple):
    """What the plan needs to know of one image request."""

    product_id: str
    shot: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """What a listing of `images/` shows: picture keys by short fingerprint, and whose they are."""

    keys: Mapping[str, str]
    owners: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """One request's standing; `object_key` is there exactly where the picture is stored."""

    status: PlanStatus
    object_key: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """What bounds a run, from the settings."""

    cost_usd_per_image: float
    requests_per_minute: int
    max_in_flight: int
    max_images_per_run: int
    daily_image_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The standing of every request, in their order, and what buying the rest takes.

    `orphaned` counts products and shots that have pictures in the store, but are no longer in
    the catalog or the shots file. `minutes` is an estimate for `to_buy` pictures.
    """

    planned: tuple[PlannedRequest, ...]
    counts: Mapping[PlanStatus, int]
    orphaned: int
    cost_usd: float
    minutes: float
    binding_limit: str

    @property
    def to_buy(self) -> int:
        """How many pictures a run would pay for."""
        return sum(self.counts[status] for status in TO_BUY)


def list_pictures(store: ObjectStore, prefixes: Iterable[str] | None = None) -> StoredPictures:
    """List the store's pictures, all of them or those under some prefixes.

    What lies elsewhere below `images/` is no picture of ours, such as the empty object that stands
    for a folder in S3's console.
    """
    keys: dict[str, str] = {}
    owners: set[tuple[str, str]] = set()
    for prefix in prefixes if prefixes is not None else (image_prefix(),):
        for info in store.list(prefix):
            match info.key.split("/"):
                case [_, shot, quoted_product, name] if name:
                    keys[name.partition(".")[0]] = info.key
                    owners.add((shot, quoted_product))
    return StoredPictures(keys, frozenset(owners))


def build_plan(
    requests: Sequence[RequestIdentity],
    *,
    pictures: StoredPictures,
    entries: Mapping[str, LedgerEntry],
    limits: PlanLimits,
    standing_of: Callable[[LedgerEntry], Standing],
) -> Plan:
    """Say what each request's standing is.

    Args:
        requests: every request of the catalog.
        pictures: as `list_pictures` gives them.
        entries: the ledger's, by fingerprint, of the requests without a picture.
        limits: for cost, time and what binds.
        standing_of: what the ledger's rules allow for an entry.
    """
    planned: list[PlannedRequest] = []
    wanted: set[tuple[str, str]] = set()
    for request in requests:
        owner = (request.shot, quote_segment(request.product_id))
        wanted.add(owner)
        key = pictures.keys.get(request.fingerprint[:32])
        if key is not None:
            planned.append(PlannedRequest(status="stored", object_key=key))
            continue
        purchase: PlanStatus = "changed" if owner in pictures.owners else "new"
        entry = entries.get(request.fingerprint)
        if entry is None:
            planned.append(PlannedRequest(status=purchase))
            continue
        standing = standing_of(entry)
        status = purchase if standing == "buy" else "missing" if standing == "stored" else standing
        planned.append(PlannedRequest(status=status, reason=entry.reason))
    found = Counter(item.status for item in planned)
    counts: dict[PlanStatus, int] = {status: found[status] for status in STATUSES}
    to_buy = sum(counts[status] for status in TO_BUY)
    minutes, binding_limit = _estimate(to_buy, limits)
    return Plan(
        planned=tuple(planned),
        counts=counts,
        orphaned=len(pictures.owners - wanted),
        cost_usd=round(to_buy * limits.cost_usd_per_image, 2),
        minutes=minutes,
        binding_limit=binding_limit,
    )


def _estimate(to_buy: int, limits: PlanLimits) -> tuple[float, str]:
    by_rate = to_buy / limits.requests_per_minute
    by_calls = to_buy * TYPICAL_LATENCY_SECONDS / 60 / limits.max_in_flight
    if to_buy > limits.max_images_per_run:
        binding = f"max_images_per_run ({limits.max_images_per_run})"
    elif to_buy > limits.daily_image_limit:
        binding = f"daily_image_limit ({limits.daily_image_limit})"
    elif by_rate >= by_calls:
        binding = f"requests_per_minute ({limits.requests_per_minute})"
    else:
        binding = f"max_in_flight ({limits.max_in_flight})"
    one_call = TYPICAL_LATENCY_SECONDS / 60 if to_buy else 0.0
    return round(max(by_rate, by_calls, one_call), 1), binding
