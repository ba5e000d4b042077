"""The lineage that the manifest takes its new rows from, mended where the ledger lacks some."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from flux_assets.buying.outcome import reroll_command
from flux_assets.buying.picture_records import PictureRecords
from flux_assets.buying.summary import Shortfall
from flux_assets.errors import FluxAssetsError, ObjectNotFoundError, PictureError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.manifest.doubtful import DoubtfulPicture, DoubtfulRefusal
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.planning.plan_table import PlanRow, read_plan_rows
from flux_assets.prompts.requests_table import read_requests
from flux_assets.storage.parquet import StoredTable


class LineageReader:
    """Finds the lineage of stored pictures, and mends what the ledger lacks.

    `missing` are those that the ledger calls stored and the plan did not find.
    `damaged` are those whose lineage cannot be had, since their bytes are no picture any more.
    `refused` are stored, and doubtful pictures of shots that show none.
    """

    def __init__(
        self,
        records: PictureRecords,
        requests: StoredTable,
        plan: StoredTable,
        refusal: DoubtfulRefusal,
    ) -> None:
        self._records = records
        self._refusal = refusal
        self._requests = requests
        self._plan = plan
        not_stored = plan.read(("fingerprint",), where=("object_key", {""}))
        self.not_stored_when_planned = set(not_stored["fingerprint"])
        self.missing = {
            row.fingerprint: _build_missing(row)
            for row in read_plan_rows(plan.read(where=("status", {"missing"})))
        }
        self.damaged: dict[str, Shortfall] = {}
        self.refused: dict[str, Shortfall] = {}

    @property
    def changed(self) -> AbstractSet[str]:
        """The fingerprints whose rows may not stay as they are."""
        return self.not_stored_when_planned | self._refusal.of_last_manifest

    def read(self, wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        """The lineage of those that are stored, by fingerprint; but for the refused ones."""
        found = self._find(wanted)
        refused = {picture.fingerprint: picture for picture in self._refusal.judge(found.values())}
        self.refused |= {name: _build_refused(picture) for name, picture in refused.items()}
        return {name: lineage for name, lineage in found.items() if name not in refused}

    def _find(self, wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        entries = self._records.ledger.read_many([item.fingerprint for item in wanted])
        products = {item.fingerprint: item.product_id for item in wanted}
        found = {
            fingerprint: entry.lineage
            for fingerprint, entry in entries.items()
            if entry.state == "stored"
            and entry.lineage is not None
            and entry.lineage.product_id == products[fingerprint]
        }
        unnoted = {item.fingerprint for item in wanted} - set(found)
        planned = read_plan_rows(self._plan.read(where=("fingerprint", unnoted)))
        keys = {row.fingerprint: row.object_key for row in planned if row.object_key}
        rows = self._requests.read(where=("fingerprint", keys))
        for request in read_requests(rows):
            key = keys[request.fingerprint]
            try:
                found[request.fingerprint], _ = self._records.adopt(request, key)
            except (PictureError, ObjectNotFoundError) as error:
                self.damaged[request.fingerprint] = _build_damaged(request, key, error)
        return found


def _build_missing(row: PlanRow) -> Shortfall:
    return Shortfall(
        product_id=row.product_id,
        shot=row.shot,
        fingerprint=row.fingerprint,
        kind="lost",
        reason="missing: it was stored, and its picture is gone from the store",
    )


def _build_damaged(request: ImageRequest, object_key: str, error: FluxAssetsError) -> Shortfall:
    command = reroll_command(request.product_id, request.shot)
    return Shortfall(
        product_id=request.product_id,
        shot=request.shot,
        fingerprint=request.fingerprint,
        kind="failed",
        reason=(
            f"{object_key} is stored without a ledger entry, and none can be made of it: {error}; "
            f"restore that object, or ask for another picture: {command}"
        ),
    )


def _build_refused(picture: DoubtfulPicture) -> Shortfall:
    return Shortfall(
        product_id=picture.product_id,
        shot=picture.shot,
        fingerprint=picture.fingerprint,
        kind="refused",
        reason=(
            f"{picture.object_key} is paid and stored, but it is {picture.problem}, and the shot "
            "says doubtful_pictures: refuse. Look at it, and ask for another picture: "
            f"{reroll_command(picture.product_id, picture.shot)}"
        ),
    )
