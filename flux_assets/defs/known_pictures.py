"""What Dagster knows of pictures: which one the last event of each product and shot names."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DagsterEventType
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from flux_assets.defs.events import MODE_TAG
from flux_assets.defs.names import Names
from flux_assets.planning.plan_table import PlanRow
from flux_assets.storage.frames import build_frame, is_in, look_up, read_rows, text_column

if TYPE_CHECKING:  # they are loaded only where there is something to know
    import numpy as np
    import pandas as pd

_COLUMNS = ("product_id", "version")


@dataclass(frozen=True, slots=True)
class KnownPictures:
    """The data version of each product's last event, by shot: a picture's is its fingerprint.

    `instance` has the events, `names` are of the shop whose they are.
    """

    by_shot: Mapping[str, "pd.DataFrame"]
    instance: dg.DagsterInstance
    names: Names

    @classmethod
    def read(
        cls,
        instance: dg.DagsterInstance,
        names: Names,
        shots: Iterable[str],
        *,
        product_ids: Sequence[str] | None = None,
    ) -> "KnownPictures":
        """Of all products that Dagster knows, or of some."""
        read = instance.event_log_storage.get_latest_tags_by_partition
        known = {}
        for shot in shots:
            tags_by_product = read(
                names.key("images", shot),
                DagsterEventType.ASSET_MATERIALIZATION,
                tag_keys=[DATA_VERSION_TAG],
                asset_partitions=product_ids,
            )
            rows = ((name, tags[DATA_VERSION_TAG]) for name, tags in tags_by_product.items())
            known[shot] = build_frame(rows, _COLUMNS, numbers=())
        return cls(known, instance, names)

    def are_known(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Which rows of a plan are just what the last events name."""
        import numpy as np
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        known = np.zeros(len(rows), bool)
        for shot, table in self.by_shot.items():
            of_shot = (rows["shot"] == shot).to_numpy(bool)
            chosen = rows[of_shot]
            versions = look_up(text_column(chosen, "product_id"), table, "product_id", "version")
            same = pc.equal(versions, text_column(chosen, "fingerprint"))
            known[of_shot] = pc.fill_null(same, False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - Arrow's own
        return known

    def find_bought(self, to_buy: Sequence[PlanRow], *, has_manifest: bool) -> set[str]:  # noqa: ARG002 - as of KnownBuckets
        """Those of the rows' fingerprints that some event names."""
        fingerprints = {row.fingerprint for row in to_buy}
        found: set[str] = set()
        for table in self.by_shot.values():
            found.update(table.loc[is_in(table["version"], fingerprints), "version"])
        return found

    def are_of_mode(self, mode: str, rows: Sequence[PlanRow]) -> bool:
        """Whether the last event of one of these pictures is of this mode."""
        for row in rows:
            found = self.instance.fetch_materializations(
                dg.AssetRecordsFilter(
                    asset_key=self.names.key("images", row.shot), asset_partitions=[row.product_id]
                ),
                limit=1,
            )
            for record in found.records:
                event = record.asset_materialization
                if event is not None and (event.tags or {}).get(MODE_TAG, mode) == mode:
                    return True
        return False

    def versions_of(self, product_ids: Collection[str]) -> dict[tuple[str, str], str]:
        """Each known version of these products, by product and shot."""
        return self._select(lambda table: is_in(table["product_id"], product_ids))

    def versions_that_begin(self, start: str) -> dict[tuple[str, str], str]:
        """Each known version that begins so, by product and shot."""
        return self._select(lambda table: table["version"].str.startswith(start))

    def _select(
        self, choose: "Callable[[pd.DataFrame], pd.Series[bool] | np.ndarray]"
    ) -> dict[tuple[str, str], str]:
        return {
            (product_id, shot): version
            for shot, table in self.by_shot.items()
            for product_id, version in read_rows(table[choose(table)], _COLUMNS)
        }
