"""What is missing of the manifest and why; what was missing the last time is kept in the store."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flux_assets.buying.summary import Shortfall
from flux_assets.errors import ObjectNotFoundError
from flux_assets.image_api.request import RequestIdentity
from flux_assets.storage.frames import is_in, read_rows
from flux_assets.storage.object_store import ObjectStore, table_key
from flux_assets.storage.parquet_file import release_unused
from flux_assets.storage.stored_json import DamagedObjectError, read_stored_json

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

NOT_ASKED = "not among what the run was to buy"
"""Why a picture is missing that the run's choices, its limit or a cap left to other runs."""
_SHORTFALLS_KEY = table_key("missing_pictures.json")

_log = logging.getLogger(__name__)


def find_shortfalls(
    requests: "pd.DataFrame",
    manifest: "pd.DataFrame",
    reasons: Mapping[str, Shortfall],
) -> list[Shortfall]:
    """Every request whose current picture the manifest does not have, with why.

    Args:
        requests: every current one, in the columns of `RequestIdentity`.
        manifest: as `build_manifest` gives it.
        reasons: what the run says, by fingerprint.
    """
    present = manifest["request_fingerprint"]
    if manifest["stale"].any():
        present = present[~manifest["stale"]]
    del manifest  # where nobody else holds it, its room is free now
    release_unused()
    lost = [fingerprint for fingerprint, item in reasons.items() if item.kind == "lost"]
    fingerprints = requests["fingerprint"]
    lacking = requests[~is_in(fingerprints, present) | is_in(fingerprints, lost)]
    return [
        reasons.get(fingerprint)
        or Shortfall(
            product_id=product_id,
            shot=shot,
            fingerprint=fingerprint,
            kind="not_attempted",
            reason=NOT_ASKED,
        )
        for product_id, shot, fingerprint in read_rows(lacking, RequestIdentity._fields)
    ]


def record_shortfalls(store: ObjectStore, shortfalls: Sequence[Shortfall]) -> list[Shortfall]:
    """Keep what is missing now, and give what was not missing in that way the last time."""
    known = {tuple(row[:3]) for row in read_shortfalls(store)}
    rows = [[item.product_id, item.shot, item.kind, item.reason] for item in shortfalls]
    store.put(_SHORTFALLS_KEY, json.dumps(rows).encode(), content_type="application/json")
    return [item for item in shortfalls if (item.product_id, item.shot, item.kind) not in known]


def read_shortfalls(store: ObjectStore) -> list[list[str]]:
    """What was missing the last time, as [product_id, shot, kind, reason]."""
    uri = store.uri_for(_SHORTFALLS_KEY)
    try:
        data = store.get(_SHORTFALLS_KEY).data
        return read_stored_json(data, uri, _read_rows, kind="list of missing pictures")
    except ObjectNotFoundError:
        return []
    except DamagedObjectError as error:
        _log.warning("%s; it is written anew", error)
        return []


def _read_rows(plain: Sequence[Sequence[object]]) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in plain]
