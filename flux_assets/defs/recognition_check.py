"""Whether the pictures made from photos still show the product: one aggregate check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from flux_assets.defs.markdown import markdown_table, name_products
from flux_assets.pictures.recognition import NOT_RECOGNISABLE_BELOW
from flux_assets.pictures.recognition_library import explain_absence
from flux_assets.prompts.shots import ShotsFile

if TYPE_CHECKING:
    import pandas as pd

RECOGNISABLE_CHECK = "products_are_recognisable"
_SHOWN = 20


def judge_recognition(manifest: "pd.DataFrame", shots: ShotsFile) -> dg.AssetCheckResult:
    """Warn, with names, where a picture's score is below its shot's threshold.

    So it does where none can be made here, and a shot of these pictures has a threshold of its own.
    """
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
    unjudged = edited[scores.isna()]
    absence = explain_absence() if len(unjudged) else ""
    asked = {shot.name for shot in shots.shots if shot.recognisable_above is not None}
    is_amiss = bool(absence) and bool(asked & set(unjudged["shot"]))
    metadata: dict[str, dg.MetadataValue | int] = {
        "made_from_photos": len(edited),
        "not_judged": len(unjudged),
        "doubtful": len(doubtful),
    }
    if len(doubtful):
        rows = doubtful[["product_id", "shot", "recognition", "source_uri", "object_key"]]
        shown = rows.head(_SHOWN).itertuples(index=False)
        header = ("product", "shot", "found again", "photo", "picture")
        metadata["pictures"] = dg.MetadataValue.md(markdown_table(header, shown))
    names = name_products(doubtful["product_id"])
    told = [f"look at {names}: little of the photo is found again"] if names else []
    told += [f"pictures not judged: {len(unjudged)}. {absence}"] if absence else []
    return dg.AssetCheckResult(
        check_name=RECOGNISABLE_CHECK,
        passed=doubtful.empty and not is_amiss,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or None,
        metadata=metadata,
    )
