"""Where each row's picture is, by the store and the settings of now, not of when it was bought."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flux_assets.storage.object_store import ObjectStore, picture_prefix
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

ADDRESSES = ("object_uri", "url")


def are_addresses_of_now(manifest: StoredTable, store: ObjectStore) -> bool:
    """Whether all rows of a manifest say where their pictures are now.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: it is damaged.
    """
    return all(manifest.all_begin(name, start) for name, start in _starts(store).items())


def find_misplaced(manifest: "pd.DataFrame", store: ObjectStore) -> "pd.Series[bool]":
    """The rows that do not."""
    right = [
        manifest[name].str.startswith(start) if start else manifest[name] == ""
        for name, start in _starts(store).items()
    ]
    return ~(right[0] & right[1])


def build_addresses(keys: Sequence[str], store: ObjectStore) -> "Mapping[str, pa.Array]":
    """The columns of ADDRESSES for pictures of these keys."""
    import pyarrow as pa

    uris = [store.uri_for(key) for key in keys]
    urls = [store.url_for(key) or "" for key in keys]
    return {"object_uri": pa.array(uris, pa.string()), "url": pa.array(urls, pa.string())}


def _starts(store: ObjectStore) -> Mapping[str, str]:
    """What each address begins with, down to the folder of pictures; "" if there is none."""
    pictures = picture_prefix()
    return {"object_uri": store.uri_for(pictures), "url": store.url_for(pictures) or ""}
