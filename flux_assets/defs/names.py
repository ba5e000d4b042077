"""What everything of one shop is called in Dagster, so that nothing of two shops is called alike.

Nor like anything else in a code location that was there before: resources and the ops inside of
`refreshed_images`, whose names nobody needs to know, carry ours as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

JOB_NAME = "refresh_catalog_images"
PUBLISH_JOB_NAME = "publish_feeds"
TABLES = (
    *("product_catalog", "image_requests", "image_plan", "refreshed_images", "image_manifest"),
    *("renditions", "product_feeds", "gallery"),
)
"""The unpartitioned assets, which the refresh makes; a table of one has its name in the store."""

_OURS = "flux_assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one shop's definitions; without a shop, those of the only one.

    `products` is the name of the partitions, where it is not the usual one.
    `translate_key` makes of an asset's usual key the one that it has here, also of those of the
    `shots`, whose names may be lost by it.
    """

    shop: str | None = None
    products: str | None = None
    translate_key: Callable[[dg.AssetKey], dg.AssetKey] | None = None
    shots: Sequence[str] = ()

    def name(self, plain: str) -> str:
        """`plain`, or `<shop>_plain`: of jobs, sensors, schedules and pools."""
        return f"{self.shop}_{plain}" if self.shop else plain

    @property
    def job(self) -> str:
        """The name of the refresh job."""
        return self.name(JOB_NAME)

    @property
    def publish_job(self) -> str:
        """The name of the job that publishes what is there, and refreshes nothing."""
        return self.name(PUBLISH_JOB_NAME)

    @property
    def partitions(self) -> str:
        """The name of the dynamic partitions."""
        return self.products or self.name("products")

    def plain_key(self, *path: str) -> dg.AssetKey:
        """An asset's usual key, under the shop's own prefix where there are several."""
        return dg.AssetKey([self.shop, *path] if self.shop else list(path))

    def key(self, *path: str) -> dg.AssetKey:
        """An asset's key."""
        plain = self.plain_key(*path)
        return self.translate_key(plain) if self.translate_key else plain

    def table_name(self, key: dg.AssetKey) -> str:
        """What an asset's table is called in the store, whatever its key is here."""
        return next((name for name in TABLES if self.key(name) == key), key.path[-1])

    def is_picture(self, key: dg.AssetKey) -> bool:
        """Whether an asset is `images/<shot>` of this shop."""
        return any(self.key("images", shot) == key for shot in (key.path[-1], *self.shots))

    def is_ours(self, key: dg.AssetKey) -> bool:
        """Whether an asset is one of this shop's."""
        return any(self.key(name) == key for name in TABLES) or self.is_picture(key)

    def resource(self, plain: str) -> str:
        """The key of a resource of ours."""
        return "__".join([_OURS, *filter(None, [self.shop]), plain])

    def op(self, plain: str) -> str:
        """The name of an op's definition; its steps are called `plain`."""
        return self.resource(plain)

    @property
    def tables(self) -> str:
        """The key of the I/O manager of tables, as Parquet."""
        return self.resource("tables")

    @property
    def steps(self) -> str:
        """The key of the I/O manager of what else passes between steps, as JSON."""
        return self.resource("steps")
