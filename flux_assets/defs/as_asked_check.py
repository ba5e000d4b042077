"""Whether the pictures have the format and ratio that was asked for."""

import dagster as dg

from flux_assets.defs.markdown import markdown_table
from flux_assets.manifest.stored import StoredManifest
from flux_assets.storage.frames import read_rows

AS_ASKED_CHECK = "pictures_are_as_asked"
_WARNED = ("product_id", "shot", "warnings")
_SHOWN = 20


def judge_as_asked(manifest: StoredManifest) -> dg.AssetCheckResult:
    """Warn of each picture that is not as it was asked for."""
    warned = _list_warnings(manifest)
    table = markdown_table(("product", "shot", "difference"), warned[:_SHOWN])
    return dg.AssetCheckResult(
        check_name=AS_ASKED_CHECK,
        passed=not warned,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"pictures": dg.MetadataValue.md(table)} if warned else {},
    )


def _list_warnings(manifest: StoredManifest) -> list[tuple[str, str, str]]:
    """Product, shot and the difference of each picture of which one is told."""
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    found: list[tuple[str, str, str]] = []
    for group in manifest.read_groups(_WARNED):
        rows = group.filter(pc.not_equal(group["warnings"], ""))
        found += read_rows(rows.to_pandas(), _WARNED)
    return found
