"""Products of which a shot wants no picture: no backfill of what is missing is to ask for them.

Dagster knows no partition that is neither missing nor made. So each of these gets an event that
says why there is no picture, once, where it would count as missing otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import dagster as dg

from flux_assets.defs.data_versions import picture_version_tags
from flux_assets.defs.known_pictures import KnownPictures
from flux_assets.defs.names import Names
from flux_assets.planning.choices import ChosenWork
from flux_assets.prompts.requests import SkipReason
from flux_assets.settings import Settings
from flux_assets.storage.frames import is_in, read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:
    import pandas as pd

Unwanted = SkipReason | Literal["gone", "again"]

SKIPPED = "skipped"
_IDENTITY = ("product_id", "shot")
_REASONS: Mapping[Unwanted, str] = {
    "only_if": "the shot's only_if does not hold for this product",
    "skip": "the overrides file says skip",
    "fallback": "there is no usable photo, and the shot says fallback: skip",
    "gone": "this product is not in the catalog any more",
    "again": "a picture is wanted again, and there is none yet",
}
_NO_MODE = "none"


def build_unwanted(
    product_id: str, shot_name: str, reason: Unwanted, *, mode: str, names: Names
) -> dg.AssetMaterialization:
    """The event of a product without a picture; out of date where one is wanted again."""
    version = _version(reason)
    made_in = _NO_MODE if reason == "again" else mode
    return dg.AssetMaterialization(
        asset_key=names.key("images", shot_name),
        partition=product_id,
        description=f"no picture: {_REASONS[reason]}",
        metadata={"outcome": SKIPPED, "reason": _REASONS[reason]},
        tags=picture_version_tags(version, made_in, names.key("refreshed_images")),
    )


def log_unwanted(
    context: dg.OpExecutionContext,
    settings: Settings,
    names: Names,
    *,
    asked: "pd.DataFrame",
    plan: StoredTable,
    work: ChosenWork,
    known: KnownPictures,
) -> None:
    """Log of which products no picture is wanted, where Dagster does not know that yet.

    Args:
        context: of the step. Some partitions may be of products that left the catalog.
        settings: of the shop.
        names: of the same shop.
        asked: every request of the catalog.
        plan: the table of their plan.
        work: of this run, which tells of each picture that it obtains.
        known: what Dagster's events say.
    """
    unwanted = list(_list_unwanted(context.instance, names, asked))
    versions = known.versions_of({product_id for product_id, _, _ in unwanted})
    told = list(_find_unknown(unwanted, versions))
    told += _find_wanted_again(asked, plan, work, known.versions_that_begin(SKIPPED))
    for each in told:
        context.log_event(build_unwanted(*each, mode=settings.mode, names=names))


def _find_unknown(
    unwanted: Iterable[tuple[str, str, Unwanted]], known: Mapping[tuple[str, str], str]
) -> Iterator[tuple[str, str, Unwanted]]:
    """Those of which Dagster knows neither a picture nor that there is to be none."""
    for product_id, shot, reason in unwanted:
        version = known.get((product_id, shot), SKIPPED)
        if version.startswith(SKIPPED) and version != _version(reason):
            yield product_id, shot, reason


def _find_wanted_again(
    asked: "pd.DataFrame",
    plan: StoredTable,
    work: ChosenWork,
    known: Mapping[tuple[str, str], str],
) -> Iterator[tuple[str, str, Unwanted]]:
    product_ids = {product_id for product_id, _ in known}
    of_known = asked[is_in(asked["product_id"], product_ids)]
    wanted = set(known).intersection(read_rows(of_known[of_known["skipped"] == ""], _IDENTITY))
    planned = plan.read((*_IDENTITY, "status"), where=("product_id", product_ids))
    wanted -= set(read_rows(planned[planned["status"] == "stored"], _IDENTITY))
    wanted -= {(row.product_id, row.shot) for row in work.to_buy}
    yield from ((*who, "again") for who in sorted(wanted) if known[who] != _version("again"))


def _list_unwanted(
    instance: dg.DagsterInstance, names: Names, asked: "pd.DataFrame"
) -> Iterator[tuple[str, str, Unwanted]]:
    import pandas as pd

    yield from read_rows(asked[asked["skipped"] != ""], ("product_id", "shot", "skipped"))
    partitions = pd.Series(instance.get_dynamic_partitions(names.partitions), dtype=str)
    gone = sorted(partitions[~is_in(partitions, asked["product_id"])])
    for shot in asked["shot"].unique() if gone else ():
        yield from ((product_id, shot, "gone") for product_id in gone)


def _version(reason: Unwanted) -> str:
    return f"{SKIPPED}: {reason}"
