"""By what Dagster knows that an asset is another than before, and a picture out of date.

A version follows from content alone, so that a run without change leaves nothing "Unsynced".
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)

from flux_assets.manifest.stored import StoredManifest
from flux_assets.prompts.requests_table import read_unmade
from flux_assets.storage.frames import hash_identities, hash_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:
    import pandas as pd


def version_of_requests(requests: StoredTable) -> dg.DataVersion:
    """Of what is asked for: a price that stands in no prompt changes nothing here."""
    asked = requests.read(("fingerprint",))["fingerprint"]
    return dg.DataVersion(hash_identities(asked, hash_rows(read_unmade(requests))))


def version_of_plan(plan: "pd.DataFrame") -> dg.DataVersion:
    """Of the pictures that are to be there, and of those that are gone.

    How far each is, a refresh changes itself, and is not out of date because it did.
    """
    gone = plan.loc[plan["status"] == "missing", "fingerprint"]
    return dg.DataVersion(hash_identities(plan["fingerprint"], hash_identities(gone)))


def version_of_manifest(manifest: StoredManifest) -> dg.DataVersion:
    """Of the bytes: the same rows are written as the same ones."""
    return dg.DataVersion(hashlib.sha256(manifest.table.data).hexdigest())


def picture_version_tags(fingerprint: str, mode: str, made_by: dg.AssetKey) -> Mapping[str, str]:
    """The tags that Dagster gives what it materializes itself, for one picture.

    Args:
        fingerprint: of its request, and so its version.
        mode: in which it was made, the version of what makes pictures.
        made_by: the asset of which pictures are made.
    """
    return {
        DATA_VERSION_TAG: fingerprint,
        CODE_VERSION_TAG: mode,
        get_input_data_version_tag(made_by): mode,
        get_input_event_pointer_tag(made_by): NULL_EVENT_POINTER,
    }
