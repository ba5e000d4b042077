"""What a refresh would do and cost: the catalog's requests against the store; free."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.send_rules import Standing
from flux_assets.image_api.polling import TYPICAL_LATENCY_SECONDS
from flux_assets.image_api.request import RequestIdentity
from flux_assets.storage.object_store import picture_prefix
from flux_assets.storage.stored_pictures import StoredPictures

PlanStatus = Literal[
    "new", "changed", "stored", "accepted", "refused", "failed", "held", "lost", "missing"
]
STATUSES: tuple[PlanStatus, ...] = get_args(PlanStatus)
TO_BUY: frozenset[PlanStatus] = frozenset({"new", "changed"})
NO_TITLES: Mapping[str, str] = MappingProxyType({})
NO_CATEGORIES: Mapping[str, str] = MappingProxyType({})
NO_DOUBTS: Mapping[str, str] = MappingProxyType({})
NO_FORMER_IDS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class PlanRow(NamedTuple):
    """One request's standing; `object_key` is there exactly where the picture is stored.

    `reason` says why it stands so; of a changed one, which fields changed.
    """

    product_id: str
    shot: str
    fingerprint: str
    status: PlanStatus
    object_key: str = ""
    reason: str = ""
    category: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """What bounds a run, from the settings."""

    cost_usd_per_image: float
    requests_per_minute: int
    max_in_flight: int
    max_images_per_run: int
    daily_image_limit: int
    requests_per_picture: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What buying some pictures takes, and which limit binds."""

    cost_usd: float
    minutes: float
    binding_limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The standing of every request, in their order, and what buying the rest takes.

    `orphaned` counts products and shots that have pictures in the store, but are no longer in
    the catalog or the shots file.
    """

    rows: tuple[PlanRow, ...]
    orphaned: int
    limits: PlanLimits

    @property
    def counts(self) -> Mapping[PlanStatus, int]:
        """How many requests have each standing."""
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in STATUSES}

    @property
    def to_buy(self) -> int:
        """How many pictures a run would pay for."""
        return sum(row.status in TO_BUY for row in self.rows)


def build_plan(
    requests: Sequence[RequestIdentity],
    *,
    pictures: StoredPictures,
    entries: Mapping[str, LedgerEntry],
    limits: PlanLimits,
    standing_of: Callable[[LedgerEntry], Standing],
    categories: Mapping[str, str] = NO_CATEGORIES,
    titles: Mapping[str, str] = NO_TITLES,
    former_ids: Mapping[str, tuple[str, ...]] = NO_FORMER_IDS,
    doubts: Mapping[str, str] = NO_DOUBTS,
) -> Plan:
    """Say what each request's standing is.

    Args:
        requests: every request of the catalog.
        pictures: as `list_pictures` gives them.
        entries: the ledger's, by fingerprint, of the requests without a picture.
        limits: for cost, time and what binds.
        standing_of: what the ledger's rules allow for an entry.
        categories: of the products, by product_id, as far as they are known.
        titles: of the products, likewise.
        former_ids: of the products that have any; pictures under these are theirs.
        doubts: why requests may not be bought now, by fingerprint.
    """
    rows: list[PlanRow] = []
    wanted: set[str] = set()
    for request in requests:
        ids = (request.product_id, *former_ids.get(request.product_id, ()))
        owners = {picture_prefix(request.shot, product_id) for product_id in ids}
        wanted |= owners
        named = {
            "category": categories.get(request.product_id, ""),
            "title": titles.get(request.product_id, ""),
        }
        key = pictures.keys.get(request.fingerprint[:32])
        if key is not None:
            rows.append(PlanRow(*request, status="stored", object_key=key, **named))
            continue
        status: PlanStatus = "new" if owners.isdisjoint(pictures.prefixes) else "changed"
        reason = ""
        entry = entries.get(request.fingerprint)
        if entry is not None:
            standing, reason = standing_of(entry), entry.reason
            if standing != "buy":
                status = "missing" if standing == "stored" else standing
        if request.fingerprint in doubts and status in {*TO_BUY, "refused"}:
            status, reason = "held", doubts[request.fingerprint]
        rows.append(PlanRow(*request, status=status, reason=reason, **named))
    return Plan(rows=tuple(rows), orphaned=len(pictures.prefixes - wanted), limits=limits)


def estimate(to_buy: int, limits: PlanLimits) -> Estimate:
    """What so many pictures cost and how long they take, as far as is known beforehand."""
    by_rate = to_buy * limits.requests_per_picture / limits.requests_per_minute
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
    return Estimate(
        cost_usd=round(to_buy * limits.cost_usd_per_image, 2),
        minutes=round(max(by_rate, by_calls, one_call), 1),
        binding_limit=binding,
    )
