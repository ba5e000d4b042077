"""The files of a channel's newest edition in the store: which there are, and keeping them up."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from flux_assets.errors import ObjectNotFoundError
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.editions import FEEDS_PREFIX, edition_key
from flux_assets.publishing.feeds.google_tsv import write_google_tsv
from flux_assets.publishing.feeds.google_xml import write_google_xml
from flux_assets.publishing.feeds.jsonl import write_jsonl, write_schema
from flux_assets.publishing.feeds.meta_csv import write_meta_csv
from flux_assets.publishing.feeds.shopify_csv import write_shopify_csv
from flux_assets.storage.change_object import replace_object
from flux_assets.storage.object_store import ObjectInfo, ObjectStore

_EDITION, _CLAIM, _FORMAT = "edition", "claim", "format"
_log = logging.getLogger(__name__)


class FeedFormat(NamedTuple):
    """One kind of file that channels read."""

    extension: str
    content_type: str
    write: Callable[[Edition], Iterator[str]]


FORMATS: Mapping[str, FeedFormat] = {
    "google_tsv": FeedFormat("tsv", "text/tab-separated-values; charset=utf-8", write_google_tsv),
    "google_xml": FeedFormat("xml", "application/xml", write_google_xml),
    "shopify_csv": FeedFormat("csv", "text/csv; charset=utf-8", write_shopify_csv),
    "meta_csv": FeedFormat("csv", "text/csv; charset=utf-8", write_meta_csv),
    "jsonl": FeedFormat("jsonl", "application/x-ndjson", write_jsonl),
}
_SCHEMA = "json_schema"
_KINDS: Mapping[str, FeedFormat] = {
    **FORMATS,
    _SCHEMA: FeedFormat("schema.json", "application/schema+json", lambda _: iter([write_schema()])),
}


def feed_key(channel: str, extension: str) -> str:
    """Where one file of a channel lies."""
    return f"{FEEDS_PREFIX}{channel}.{extension}"


def list_keys(edition: Edition) -> list[str]:
    """Where the files of an edition lie."""
    return [key for key, _ in _list_files(edition)]


def keep_files_up(store: ObjectStore, edition: Edition) -> list[str]:
    """Write the files that are of an older edition, or not there; their keys are returned.

    Of editions that were lost the numbers are claimed again: a file of one that is no more is
    written over, whatever its number.

    A file of a format that the channel has no more is kept up as well: somebody may read it yet,
    and it must not go on showing what was rejected.

    Raises:
        StoreError: one cannot be read or written.
    """
    files = dict(_list_files(edition))
    for key in store.list_keys(feed_key(edition.channel, "")):
        if key not in files:
            name = store.head(key).metadata.get(_FORMAT, "")
            files |= {key: name} if name in _KINDS else {}
    return [key for key, name in files.items() if _write(store, key, name, edition)]


def _list_files(edition: Edition) -> Iterator[tuple[str, str]]:
    """The files' keys, each with the kind that it is of."""
    for name in edition.form.formats:
        yield feed_key(edition.channel, FORMATS[name].extension), name
        if name == "jsonl":
            yield feed_key(edition.channel, _KINDS[_SCHEMA].extension), _SCHEMA


def _write(store: ObjectStore, key: str, name: str, edition: Edition) -> bool:
    kind = _KINDS[name]

    def update(found: ObjectInfo | None) -> Iterator[bytes] | None:
        if found and _is_up(store, found, edition):
            return None
        return map(str.encode, kind.write(edition))

    is_written = replace_object(
        store,
        key,
        update,
        content_type=kind.content_type,
        metadata={_EDITION: str(edition.number), _CLAIM: edition.claim, _FORMAT: name},
    )
    if is_written:
        _log.info("wrote %s, edition %d", store.uri_for(key), edition.number)
    return is_written


def _is_up(store: ObjectStore, found: ObjectInfo, edition: Edition) -> bool:
    """Whether a file is of this very edition, or of a newer one that there is."""
    number = _number_of(found)
    if number == edition.number:
        return found.metadata.get(_CLAIM) == edition.claim
    return number > edition.number and _is_there(store, edition_key(edition.channel, number))


def _is_there(store: ObjectStore, key: str) -> bool:
    try:
        store.head(key)
    except ObjectNotFoundError:
        return False
    return True


def _number_of(found: ObjectInfo) -> int:
    """The edition that a file is of; 0 for one that somebody else put there."""
    number = found.metadata.get(_EDITION, "")
    return int(number) if number.isascii() and number.isdigit() else 0
