"""By what is known that somebody decided anything, without reading a decision."""

import hashlib

from flux_assets.publishing.decisions import list_shards
from flux_assets.storage.object_store import ObjectStore


def read_decisions_version(store: ObjectStore) -> str:
    """What is another after each change of a decision, and never again as before it.

    So it is of objects that were put back from a backup, too. Empty where nobody decided yet.

    Raises:
        StoreError: the objects cannot be listed.
    """
    lines = sorted(
        f"{info.key} {info.size_bytes} {info.etag} {info.modified_at.isoformat()}"
        for info in list_shards(store)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32] if lines else ""
