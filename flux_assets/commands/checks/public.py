"""What the public sees of the store: its pictures, and nothing of ledger, tables and runs."""

from collections.abc import Iterator
from http.client import HTTPException
from itertools import islice
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from flux_assets.commands.checks.finding import Finding
from flux_assets.connections import advise_on_connection
from flux_assets.errors import ObjectNotFoundError
from flux_assets.http_exchange import exchange
from flux_assets.manifest.stored import MANIFEST_CSV_KEY, MANIFEST_KEY
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore, ledger_key
from flux_assets.storage.open_store import open_store
from flux_assets.storage.parquet import NO_TABLE, StoredTable

_TIMEOUT = (10, 30)
_COMPARED_BYTES = 65_536
_MAX_REDIRECTS = 3
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
    private = [key for key in ("store.json", MANIFEST_KEY, MANIFEST_CSV_KEY, entry) if key]
    try:
        seen = [key for key in private if _is_served(store, key)]
        yield _judge_private(settings.public_url, seen)
        if picture:
            yield _judge_picture(store, picture, is_served=_is_served(store, picture))
    except (OSError, HTTPError, HTTPException, ValueError) as error:
        host = urlsplit(settings.public_url).netloc
        detail = advise_on_connection(error, host, ca_variable="REQUESTS_CA_BUNDLE")
        yield Finding(name=_NAME, verdict="warning", detail=f"not looked at: {detail}")


def _judge_private(public_url: str, seen: list[str]) -> Finding:
    if not seen:
        detail = f"{public_url} shows nothing of ledger and tables"
        return Finding(name=_NAME, verdict="ok", detail=detail)
    detail = (
        f"{public_url} shows everybody {', '.join(seen)}: prompts, costs and the URLs of paid "
        "pictures. Publish only images/ below the store's prefix (docs/going-live.md)"
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


def _first_picture(store: ObjectStore) -> tuple[str, str]:
    """The keys of one stored picture and of its ledger entry; "" where there is none."""
    columns = ("object_uri", "request_fingerprint")
    try:
        rows = StoredTable(store.get(MANIFEST_KEY).data).read(columns)
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
    return _start_of(store.url_for(key) or "", len(expected)) == expected


def _start_of(url: str, size_bytes: int) -> bytes | None:
    headers = {"User-Agent": "flux-assets", "Accept-Encoding": "identity"}
    for _ in range(1 + _MAX_REDIRECTS):
        request = requests.Request("GET", url, headers=headers)
        with exchange(request, timeout=_TIMEOUT) as response:
            location = response.headers.get("Location")
            if response.is_redirect and location:
                url = urljoin(url, location)
                continue
            if response.status_code != 200:
                return None
            start = bytearray()
            for chunk in response.iter_content(_COMPARED_BYTES):
                start += chunk
                if len(start) >= size_bytes:
                    break
            return bytes(start[:size_bytes])
    return None
