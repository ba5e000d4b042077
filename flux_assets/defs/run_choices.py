"""A run's choices, and where they stand in its config, for who writes and who reads them."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from flux_assets.defs.names import Names
from flux_assets.settings import Settings

_NO_LIMIT = 1_000_000


class RefreshConfig(dg.Config):
    """What this run is to do; left empty, everything that is new or changed."""

    product_ids: list[str] = Field(default=[], description="Only these products.")
    categories: list[str] = Field(
        default=[], description="Only products of these categories, as the catalog names them."
    )
    shots: list[str] = Field(default=[], description="Only these shots.")
    limit: int | None = Field(
        default=None, ge=0, description=f"Buy only the first so many pictures; {_NO_LIMIT} is all."
    )
    max_images: int | None = Field(
        default=None,
        ge=0,
        description="Refuse to start where more would be bought; can only lower the cap.",
    )
    retry_refused: bool = Field(
        default=False, description="Send again what the vendor refused before."
    )
    accept_changes: bool = Field(
        default=False,
        description="Buy changed pictures too where FLUX_ASSETS_OVER_CAP=new_only leaves them, and "
        "take photos for right that are doubted.",
    )
    accept_drop: bool = Field(
        default=False, description="Go on although the catalog lost many of its products."
    )
    accept_loss: bool = Field(
        default=False,
        description="Buy again what was bought before, and is gone from the store with its ledger.",
    )


def launchpad_fields(settings: Settings) -> dict[str, dg.Field]:
    """The choices as a launchpad has them: it leaves out what is null, so that none is."""
    fields: dict[str, dg.Field] = RefreshConfig.to_fields_dict()
    for name, number in (("limit", _NO_LIMIT), ("max_images", settings.max_images_per_run)):
        fields[name] = dg.Field(
            fields[name].config_type,
            default_value=number,
            is_required=False,
            description=fields[name].description,
        )
    return fields


def read_launchpad(config: Mapping[str, Any]) -> RefreshConfig:
    """What was chosen there.

    Raises:
        ValidationError: a choice is none.
    """
    is_unlimited = config["limit"] is None or config["limit"] >= _NO_LIMIT
    return RefreshConfig(**{**config, "limit": None if is_unlimited else config["limit"]})


def choices_node(names: Names) -> str:
    """The node whose config has a refresh's choices: that of the asset `refreshed_images`."""
    return "__".join(names.key("refreshed_images").path)


def accepts_changes(run: dg.DagsterRun, names: Names) -> bool:
    """Whether a run was started with `accept_changes`, as steps before that node must know."""
    return _is_chosen(run, names, "accept_changes")


def accepts_drop(run: dg.DagsterRun, names: Names) -> bool:
    """Whether a refresh was started with `accept_drop`, which holds for its feeds, too."""
    return _is_chosen(run, names, "accept_drop")


def _is_chosen(run: dg.DagsterRun, names: Names, choice: str) -> bool:
    found: Any = run.run_config
    for name in ("ops", choices_node(names), "config", choice):
        found = found.get(name) if isinstance(found, dict) else None
    return found is True
