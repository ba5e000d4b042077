"""What the public sees of the store: its pictures, and nothing of ledger, tables and runs."""

from collections.abc import Iterator
from itertools import islice

from flux_assets.commands.checks.finding import Finding
from flux_assets.errors import ObjectNotFoundError, SourceError
from flux_assets.manifest.stored import MANIFEST_CSV_KEY, MANIFEST_CSV_PREFIX, MANIFEST_KEY
from flux_assets.publishing.decisions import DECISIONS_PREFIX
from flux_assets.publishing.editions import edition_key, list_channels, list_numbers
from flux_assets.publishing.public_fetch import NotPublicError, fetch_as_stranger
from flux_assets.publishing.rendition_table import RENDITIONS_KEY
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import TABLE_PARTS_PREFIX, ObjectStore, ledger_key
from flux_assets.storage.open_store import open_store
from flux_assets.storage.parquet import open_table
from flux_assets.storage.parquet_file import NO_TABLE

_COMPARED_BYTES = 65_536
_NAME = "public"


def check_public(settings: Settings) -> Iterator[Finding]:
    """Ask for what nobody may see, and for one picture, as a stranger would.

    Raises:
        SettingsError, StoreError: the store cannot be read.
    """
    if settings.public_url is None:
        detail = "FLUX_ASSETS_PUBLIC_URL is not set: no address of the public is known to look at"
        yield Finding(name=_NAME, verdict="warning", detail=detail)
        return
    store = open_store(
        settings.store,
        shop=settings.shop,
        public_url=settings.public_url,
        checksum=settings.s3_checksum,
    )
    picture, entry = _first_picture(store)
    tables = (MANIFEST_KEY, MANIFEST_CSV_KEY, RENDITIONS_KEY)
    private = ["store.json", *tables, *filter(None, [entry]), *_find_unpublished(store)]
    try:
        seen = [key for key in private if _is_served(store, key)]
        yield _judge_private(settings, seen)
        if picture and settings.channels is None:  # else channels read renditions
            yield _judge_picture(store, picture, is_served=_is_served(store, picture))
    except SourceError as error:
        yield Finding(name=_NAME, verdict="warning", detail=f"not looked at: {error}")


def _judge_private(settings: Settings, seen: list[str]) -> Finding:
    if not seen:
        detail = f"{settings.public_url} shows nothing of ledger, tables, decisions and editions"
        return Finding(name=_NAME, verdict="ok", detail=detail)
    meant = "images/" if settings.channels is None else "publishing/renditions/ and the feeds"
    detail = (
        f"{settings.public_url} shows everybody {', '.join(seen)}: prompts, costs, names and the "
        f"URLs of paid pictures. Publish only {meant} below the store's prefix (docs/going-live.md)"
    )
    return Finding(name=_NAME, verdict="problem", detail=detail)


def _judge_picture(store: ObjectStore, key: str, *, is_served: bool) -> Finding:
    url = store.url_for(key)
    if is_served:
        return Finding(name=f"{_NAME} picture", verdict="ok", detail=f"{url} is the stored one")
    detail = (
        f"{url} does not give the stored picture, so feeds would name what nobody can see; let the "
        "public read images/, and check that FLUX_ASSETS_PUBLIC_URL holds the store's prefix"
    )
    return Finding(name=f"{_NAME} picture", verdict="warning", detail=detail)


def _find_unpublished(store: ObjectStore) -> Iterator[str]:
    """The keys of a table's parts, of an edition and of what was decided, where there are any."""
    for prefix in (TABLE_PARTS_PREFIX, MANIFEST_CSV_PREFIX, DECISIONS_PREFIX):
        yield from islice(store.list_keys(prefix), 1)
    for channel in list_channels(store)[:1]:
        yield edition_key(channel, list_numbers(store, channel)[-1])


def _first_picture(store: ObjectStore) -> tuple[str, str]:
    """The keys of one stored picture and of its ledger entry; "" where there is none."""
    columns = ("object_uri", "request_fingerprint")
    try:
        rows = open_table(store, MANIFEST_KEY).read(columns)
    except (ObjectNotFoundError, *NO_TABLE):
        return "", ""
    for uri, fingerprint in islice(read_rows(rows, columns), 1):
        return str(uri).removeprefix(store.uri_for("")), ledger_key(str(fingerprint))
    return "", ""


def _is_served(store: ObjectStore, key: str) -> bool:
    """Whether the public gets an object; a page that answers everything alike is not it."""
    try:
        expected = store.get(key).data[:_COMPARED_BYTES]
    except ObjectNotFoundError:
        return False
    try:
        reply = fetch_as_stranger(store.url_for(key) or "", most_bytes=len(expected))
    except NotPublicError:
        return False
    return reply.status == 200 and reply.data[: len(expected)] == expected
