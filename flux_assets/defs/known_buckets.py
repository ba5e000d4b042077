"""What Dagster knows of pictures where its partitions are buckets: how many each of them has."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DagsterEventType
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from flux_assets.defs.names import Names
from flux_assets.planning.plan_table import PlanRow
from flux_assets.storage.buckets import BUCKETS, bucket_of
from flux_assets.storage.frames import read_rows

if TYPE_CHECKING:  # they are loaded only where there is something to know
    import numpy as np
    import pandas as pd

ReadStored = Callable[[], "pd.DataFrame"]
"""Product and shot of each row of a plan that is stored."""


@dataclass(frozen=True, slots=True)
class BucketVersion:
    """The data version of a bucket of a shot: its mode, how many pictures it has, and which.

    Dagster gives no other tags of many partitions at once.
    """

    mode: str
    pictures: int
    sha256: str

    def __str__(self) -> str:
        """As the event has it."""
        return f"{self.mode}-{self.pictures}-{self.sha256}"

    @classmethod
    def parse(cls, text: str) -> "BucketVersion | None":
        """None for the version of anything else."""
        found = re.fullmatch("(sample|live)-([0-9]+)-([0-9a-f]{64})", text)
        return cls(found[1], int(found[2]), found[3]) if found else None


def read_buckets(
    instance: dg.DagsterInstance, names: Names, shots: Iterable[str]
) -> Mapping[tuple[str, str], BucketVersion]:
    """The version of each bucket's last event, by shot and bucket; products' events are none."""
    found = {}
    for shot in shots:
        tags_by_partition = instance.event_log_storage.get_latest_tags_by_partition(
            names.key("images", shot),
            DagsterEventType.ASSET_MATERIALIZATION,
            tag_keys=[DATA_VERSION_TAG],
            asset_partitions=BUCKETS,
        )
        for bucket, tags in tags_by_partition.items():
            version = BucketVersion.parse(tags[DATA_VERSION_TAG])
            if version is not None:
                found[shot, bucket] = version
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBuckets:
    """Stands where `KnownPictures` does; a refresh tells of buckets, and of no single picture.

    `pictures` are counts by shot and bucket, of this mode; `read_stored` gives the stored rows of
    the plan that is to be carried out.
    """

    pictures: Mapping[tuple[str, str], int]
    read_stored: ReadStored

    @classmethod
    def read(
        cls,
        instance: dg.DagsterInstance,
        names: Names,
        shots: Iterable[str],
        *,
        mode: str,
        read_stored: ReadStored,
    ) -> "KnownBuckets":
        """What the last events of these shots' buckets say."""
        known = read_buckets(instance, names, shots)
        pictures = {place: it.pictures for place, it in known.items() if it.mode == mode}
        return cls(pictures=pictures, read_stored=read_stored)

    def are_known(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Which rows of a plan need no event of their own: none does."""
        import numpy as np

        return np.ones(len(rows), bool)

    def find_bought(self, to_buy: Sequence[PlanRow], *, has_manifest: bool) -> set[str]:
        """The fingerprints of so many of these rows as their buckets had more pictures than now.

        A manifest names each single one, so that only a store without one has to be judged so.
        """
        if has_manifest or not any(self.pictures.values()):
            return set()
        now = Counter(
            (shot, bucket_of(product_id))
            for product_id, shot in read_rows(self.read_stored(), ("product_id", "shot"))
        )
        lost = {place: count - now[place] for place, count in self.pictures.items()}
        found = set()
        for row in to_buy:
            place = (row.shot, bucket_of(row.product_id))
            if lost.get(place, 0) > 0:
                lost[place] -= 1
                found.add(row.fingerprint)
        return found

    def are_of_mode(self, mode: str, rows: Sequence[PlanRow]) -> bool:  # noqa: ARG002 - as of KnownPictures
        """Whether the events are of this mode: no others were read."""
        return True
