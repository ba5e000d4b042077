"""Why a picture would be bought again: which fields differ from the one that is shown now."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from flux_assets.bill.ledger_entry import PRUNED
from flux_assets.image_api.parameters import PARAMETERS
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.stored import StoredManifest
from flux_assets.planning.plan import Plan
from flux_assets.planning.plan_table import TO_BUY, PlanRow

NOT_IN_MANIFEST = "not in the manifest"
"""The picture was bought by itself, and no manifest has been written since."""

RELEASED = "released"
"""Nothing changed: its picture is gone, and a person let it be bought again."""

_COMPARED = ("prompt", *PARAMETERS, "take", "shot_version")


def explain_changes(
    plan: Plan, requests: Iterable[ImageRequest], manifest: StoredManifest | None
) -> Plan:
    """The plan with a reason at each changed row: the fields that differ, separated by commas.

    `pruned` comes last where what is asked for was stored before, and deleted on purpose.

    Args:
        plan: of all requests.
        requests: those of the changed rows, at least.
        manifest: the last one, of an older release or None maybe: then nothing can be compared.
    """
    by_fingerprint = {request.fingerprint: request for request in requests}
    changed = {(row.product_id, row.shot) for row in plan.rows_that_are({"changed"})}
    shown: Mapping[tuple[str, str], Mapping[str, Any]] = {}
    if manifest is not None and changed and set(_COMPARED) <= set(manifest.column_names):
        shown = _read_rows(manifest, changed)

    def explain(row: PlanRow) -> str:
        request = by_fingerprint[row.fingerprint]
        reason = _describe(request, shown.get((row.product_id, row.shot)))
        return reason + (f", {PRUNED}" if row.reason.startswith(PRUNED) else "")

    return plan.with_reasons({"changed"}, explain)


def count_pruned(plan: Plan) -> int:
    """How many pictures are to buy that were paid and stored before, and deleted on purpose."""
    reasons = plan.select(TO_BUY)["reason"].str
    return int((reasons.startswith(PRUNED) | reasons.endswith(f", {PRUNED}")).sum())


def count_changes(plan: Plan) -> Mapping[str, int]:
    """How many changed pictures each field accounts for; one picture may count for several."""
    fields: Counter[str] = Counter()
    for reason, count in plan.select({"changed"})["reason"].value_counts(sort=False).items():
        fields.update(dict.fromkeys(str(reason).split(", "), count))
    return dict(fields.most_common())


def _read_rows(
    manifest: StoredManifest, wanted: set[tuple[str, str]]
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    products = {product_id for product_id, _ in wanted}
    rows = manifest.read(where=("product_id", products)).to_dict("records")
    by_owner = {(str(row["product_id"]), str(row["shot"])): row for row in rows}
    return {owner: row for owner, row in by_owner.items() if owner in wanted}  # type: ignore[misc] # columns are named by text


def _describe(request: ImageRequest, shown: Mapping[str, Any] | None) -> str:
    if shown is None:
        return NOT_IN_MANIFEST
    if shown["request_fingerprint"] == request.fingerprint:
        return RELEASED
    asked = request.prompt_object
    ways = {"take": request.take != shown["take"]}
    ways["version"] = request.shot_version != shown["shot_version"]
    names = ["prompt", *PARAMETERS]
    if any(ways.values()):
        names.remove("seed")  # it follows from them
    # An older release's manifest says nothing of photos: it had none.
    ways["mode"] = request.mode != shown.get("shot_mode", "generate")
    ways["photo"] = not ways["mode"] and request.source_sha256 != shown.get("source_sha256", "")
    fields = [name for name in names if asked[name] != shown[name]]
    described = [*fields, *(name for name, differs in ways.items() if differs)]
    return ", ".join(described) or "flatten"  # all else that a request consists of is equal
