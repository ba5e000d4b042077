"""Whether the pictures made from photos still show the product: one aggregate check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from flux_assets.defs.markdown import markdown_table, name_products
from flux_assets.pictures.recognition import NOT_RECOGNISABLE_BELOW
from flux_assets.prompts.shots import ShotsFile

if TYPE_CHECKING:
    import pandas as pd

RECOGNISABLE_CHECK = "products_are_recognisable"
_SHOWN = 20


def judge_recognition(manifest: "pd.DataFrame", shots: ShotsFile) -> dg.AssetCheckResult:
    """Warn, with names, where a picture's score is below its shot's threshold."""
    thresholds: Mapping[str, float] = {
        shot.name: NOT_RECOGNISABLE_BELOW
        if shot.recognisable_above is None
        else shot.recognisable_above
        for shot in shots.shots
    }
    edited = manifest[(manifest["shot_mode"] == "edit") & ~manifest["stale"].astype(bool)]
    scores = edited["recognition"]
    limits = edited["shot"].map(thresholds).astype("float64").fillna(NOT_RECOGNISABLE_BELOW)
    doubtful = edited[scores < limits].sort_values("recognition", kind="stable")
    metadata: dict[str, dg.MetadataValue | int] = {
        "made_from_photos": len(edited),
        "not_judged": int(scores.isna().sum()),
        "doubtful": len(doubtful),
    }
    if len(doubtful):
        rows = doubtful[["product_id", "shot", "recognition", "source_uri", "object_key"]]
        shown = rows.head(_SHOWN).itertuples(index=False)
        header = ("product", "shot", "found again", "photo", "picture")
        metadata["pictures"] = dg.MetadataValue.md(markdown_table(header, shown))
    names = name_products(doubtful["product_id"])
    return dg.AssetCheckResult(
        check_name=RECOGNISABLE_CHECK,
        passed=doubtful.empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"look at {names}: little of the photo is found again" if names else None,
        metadata=metadata,
    )
