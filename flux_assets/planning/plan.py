"""What a refresh would do and cost: the catalog's requests against the store; free."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.send_rules import Standing
from flux_assets.image_api.polling import TYPICAL_LATENCY_SECONDS
from flux_assets.image_api.request import RequestIdentity
from flux_assets.planning.plan_table import STATUSES, TO_BUY, PlanRow, PlanStatus, read_plan_rows
from flux_assets.storage.frames import is_in, look_up, read_rows, text_column
from flux_assets.storage.object_store import picture_prefix
from flux_assets.storage.parquet_file import release_unused
from flux_assets.storage.stored_pictures import StoredPictures, list_prefixes, without

if TYPE_CHECKING:  # they are loaded only where a plan is really made
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

NO_DOUBTS: Mapping[str, str] = MappingProxyType({})
NO_FORMER_IDS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


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

    `table` has the columns of `PlanRow`. `orphaned` counts products and shots that have pictures in
    the store, but are no longer in the catalog or the shots file.
    """

    table: "pd.DataFrame"
    orphaned: int
    limits: PlanLimits

    @property
    def rows(self) -> tuple[PlanRow, ...]:
        """All of them, as objects."""
        return tuple(read_plan_rows(self.table))

    def rows_that_are(self, statuses: Collection[PlanStatus]) -> tuple[PlanRow, ...]:
        """Those that have one of these standings, as objects."""
        return tuple(read_plan_rows(self.select(statuses)))

    def select(self, statuses: Collection[PlanStatus]) -> "pd.DataFrame":
        """The same as a table."""
        return self.table[is_in(self.table["status"], statuses)]

    @property
    def counts(self) -> Mapping[PlanStatus, int]:
        """How many requests have each standing."""
        found = self.table["status"].value_counts()
        return {status: int(found.get(status, 0)) for status in STATUSES}

    @property
    def to_buy(self) -> int:
        """How many pictures a run would pay for."""
        return sum(self.counts[status] for status in TO_BUY)

    def with_reasons(
        self, statuses: Collection[PlanStatus], explain: Callable[[PlanRow], str]
    ) -> "Plan":
        """The plan with another reason at each row that has one of these standings."""
        chosen = is_in(self.table["status"], statuses)
        if not chosen.any():
            return self
        import pyarrow as pa

        told = [explain(row) for row in self.rows_that_are(statuses)]
        reasons = _put(text_column(self.table, "reason"), pa.array(chosen), told)
        # By Arrow, so that the column keeps its type, and the table's other parts their bytes.
        return replace(self, table=self.table.assign(**pa.table({"reason": reasons}).to_pandas()))


def build_plan(
    requests: "pd.DataFrame",
    *,
    pictures: StoredPictures,
    read_entries: Callable[[Collection[str]], Mapping[str, LedgerEntry]],
    limits: PlanLimits,
    standing_of: Callable[[LedgerEntry], Standing],
    products: "pd.DataFrame | None" = None,
    former_ids: Mapping[str, tuple[str, ...]] = NO_FORMER_IDS,
    doubts: Mapping[str, str] = NO_DOUBTS,
) -> Plan:
    """Say what each request's standing is.

    Args:
        requests: every request of the catalog, in the columns of `RequestIdentity`.
        pictures: as `list_pictures` gives them.
        read_entries: gives the ledger's, by fingerprint, of the requests without a picture.
        limits: for cost, time and what binds.
        standing_of: what the ledger's rules allow for an entry.
        products: `product_id`, `category` and `title` of the products, where they are to be told.
        former_ids: of the products that have any; pictures under these are theirs.
        doubts: why requests may not be bought now, by fingerprint.
    """
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    columns = {name: text_column(requests, name) for name in RequestIdentity._fields}
    places = pictures.find(columns["fingerprint"])
    is_absent = pc.is_null(places)
    absent = requests[is_absent.to_numpy(zero_copy_only=False)]
    has_others = _have_others(absent, pictures, former_ids)
    orphaned = _count_orphaned(requests, pictures, places, former_ids)
    keys = pictures.keys
    del pictures  # the room that columns of a large catalog take is needed for others
    release_unused()
    keys = keys.take(places)
    del places
    entries = read_entries(absent["fingerprint"])
    stood, why = _Judge(entries, standing_of, doubts).judge(absent["fingerprint"], has_others)
    if len(absent):
        keys = pc.fill_null(keys, "")
    text = pa.large_string()
    blank = pa.repeat(pa.scalar("", text), len(requests))
    statuses = pa.repeat(pa.scalar("stored", text), len(requests))
    columns |= {
        "status": _put(statuses, is_absent, stood),
        "object_key": keys,
        "reason": _put(blank, is_absent, why),
        **{name: _look_up(columns["product_id"], products, name) for name in ("category", "title")},
    }
    return Plan(table=pa.table(columns).to_pandas(), orphaned=orphaned, limits=limits)


def _have_others(
    absent: "pd.DataFrame", pictures: StoredPictures, former_ids: Mapping[str, tuple[str, ...]]
) -> "np.ndarray":
    """Which requests' product and shot have another picture, under an id of now or a former one."""
    import pyarrow as pa

    prefixes = list_prefixes(text_column(absent, "product_id"), text_column(absent, "shot"))
    found: np.ndarray = pictures.has_any(prefixes).to_numpy(zero_copy_only=False)
    is_renamed = is_in(absent["product_id"], former_ids.keys())
    if not is_renamed.any():
        return found
    former = [*_list_former(absent[is_renamed], former_ids)]
    flat = pa.array(chain.from_iterable(former), prefixes.type)
    others = set(flat.filter(pictures.has_any(flat)).to_pylist())
    found = found.copy()  # Arrow's own may not be written to
    found[is_renamed] |= [not others.isdisjoint(of_one) for of_one in former]
    return found


def _count_orphaned(
    requests: "pd.DataFrame",
    pictures: StoredPictures,
    places: "pa.Array",
    former_ids: Mapping[str, tuple[str, ...]],
) -> int:
    """How many products and shots have pictures, and are asked for no more."""
    others = pictures.find_others(text_column(requests, "fingerprint"), places)
    if not len(others):
        return 0
    asked = list_prefixes(text_column(requests, "product_id"), text_column(requests, "shot"))
    renamed = requests[is_in(requests["product_id"], former_ids.keys())]
    former = chain.from_iterable(_list_former(renamed, former_ids))
    return len(without(without(others, asked), former))


def _put(column: "pa.Array", places: "pa.Array", texts: "pa.Array | Sequence[str]") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(texts):
        return column  # and no copy of it
    return pc.replace_with_mask(column, places, pa.array(texts, column.type))


def _look_up(product_ids: "pa.Array", products: "pd.DataFrame | None", name: str) -> "pa.Array":
    """One column of each request's product; empty where it is not known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if products is None:
        return pa.repeat(pa.scalar("", product_ids.type), len(product_ids))
    return pc.fill_null(look_up(product_ids, products, "product_id", name), "")


def _list_former(
    requests: "pd.DataFrame", former_ids: Mapping[str, tuple[str, ...]]
) -> Iterator[list[str]]:
    """Where the pictures lie that each request's product and shot had under former ids."""
    for product_id, shot in read_rows(requests, ("product_id", "shot")):
        yield [picture_prefix(shot, former_id) for former_id in former_ids[product_id]]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says how a request without a picture stands, and why."""

    entries: Mapping[str, LedgerEntry]
    standing_of: Callable[[LedgerEntry], Standing]
    doubts: Mapping[str, str]

    def judge(
        self, fingerprints: "pd.Series[str]", has_others: "np.ndarray"
    ) -> "tuple[pa.Array, pa.Array]":
        """The standing of each, and why; objects are made of what has an entry or a doubt alone."""
        import pyarrow as pa
        import pyarrow.compute as pc

        text = pa.large_string()
        statuses = pc.if_else(pa.array(has_others, pa.bool_()), "changed", "new").cast(text)
        blank = pa.repeat(pa.scalar("", text), len(fingerprints))
        is_known = is_in(fingerprints, {*self.entries, *self.doubts})
        stood = [
            self.find_standing(fingerprint, has_others=others)
            for fingerprint, others in zip(
                fingerprints[is_known], has_others[is_known].tolist(), strict=True
            )
        ]
        places = pa.array(is_known)
        return (
            _put(statuses, places, [status for status, _ in stood]),
            _put(blank, places, [reason for _, reason in stood]),
        )

    def find_standing(self, fingerprint: str, *, has_others: bool) -> tuple[PlanStatus, str]:
        status: PlanStatus = "changed" if has_others else "new"
        reason = ""
        entry = self.entries.get(fingerprint)
        if entry is not None:
            standing, reason = self.standing_of(entry), entry.reason
            if standing != "buy":
                status = "missing" if standing == "stored" else standing
        if fingerprint in self.doubts and status in {*TO_BUY, "refused"}:
            status, reason = "held", self.doubts[fingerprint]
        return status, reason


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
