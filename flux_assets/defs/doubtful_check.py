"""Whether the pictures that were delivered show anything, and each its own product."""

import dagster as dg

from flux_assets.buying.outcome import reroll_command
from flux_assets.defs.markdown import defuse_markdown, markdown_table, name_products
from flux_assets.manifest.doubtful import find_doubtful, read_looked_at
from flux_assets.manifest.stored import StoredManifest

DOUBTFUL_CHECK = "no_picture_is_doubtful"
_SHOWN = 20


def judge_doubtful(manifest: StoredManifest) -> dg.AssetCheckResult:
    """Warn, with names, of the current pictures to look at, and how to ask for others."""
    doubtful = sorted(find_doubtful(read_looked_at(manifest)))
    metadata: dict[str, dg.MetadataValue | int] = {"doubtful": len(doubtful)}
    if doubtful:
        rows = [
            (*picture[:2], picture.problem, picture.object_key, reroll_command(*picture[:2]))
            for picture in doubtful[:_SHOWN]
        ]
        header = ("product", "shot", "it is", "picture", "for another one")
        metadata["pictures"] = dg.MetadataValue.md(markdown_table(header, rows))
    names = name_products(picture.product_id for picture in doubtful)
    told = ""
    if doubtful:
        command = defuse_markdown(reroll_command(*doubtful[0][:2]))
        told = (
            f"look at {names}: a picture is black, of one colour, blurred, or another product's as "
            f"well; for another picture of the first: {command}"
        )
    return dg.AssetCheckResult(
        check_name=DOUBTFUL_CHECK,
        passed=not doubtful,
        severity=dg.AssetCheckSeverity.WARN,
        description=told or None,
        metadata=metadata,
    )
