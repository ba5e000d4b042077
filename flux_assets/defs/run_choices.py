"""Where a run's choices stand in its config, for whoever writes them and whoever reads them."""

from typing import Any

import dagster as dg

from flux_assets.defs.partitions import shop_key


def choices_node(shop: str | None) -> str:
    """The node whose config has a refresh's choices: that of the asset `refreshed_images`."""
    return "__".join(shop_key(shop, "refreshed_images").path)


def accepts_changes(run: dg.DagsterRun, shop: str | None) -> bool:
    """Whether a run was started with `accept_changes`, as steps before that node must know."""
    found: Any = run.run_config
    for name in ("ops", choices_node(shop), "config", "accept_changes"):
        found = found.get(name) if isinstance(found, dict) else None
    return found is True
