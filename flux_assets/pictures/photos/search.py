"""One search for photos: each address is asked for once, and none where it need not be."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.errors import (
    ConditionFailedError,
    ObjectNotFoundError,
    PhotoUnavailableError,
    PhotoUnusableError,
)
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.photos.address import locate_photo
from flux_assets.pictures.photos.fetched import FetchedPhoto
from flux_assets.pictures.photos.index import PhotoIndex, RememberedPhoto
from flux_assets.pictures.photos.outages import Outages
from flux_assets.pictures.photos.photo import Photo
from flux_assets.pictures.photos.prepare import prepare_photo
from flux_assets.pictures.photos.read import read_photo
from flux_assets.storage.object_store import ObjectStore, photo_key, photo_prefix
from flux_assets.storage.sources.address import scheme_of, shown_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from flux_assets.pictures.photos.public_web import PublicWeb

_EXTENSIONS = ("jpg", "png")
_LOOKED_AT_ONE_BY_ONE = 32  # prepared photos; more are listed
_WARNED_OF = 20

# A photo of MAX_PIXELS takes 256 MB while it is prepared.
_PREPARING = threading.BoundedSemaphore(2)

_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """One cell's address, and what is remembered of it."""

    uri: str
    address: str
    address_sha256: str
    row: RememberedPhoto | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSearch:
    """Finds the photo at each of many addresses.

    Args:
        store: where prepared photos lie.
        catalog_uri: what relative addresses are relative to.
        index: what is remembered.
        now, fresh_after: as the index holds times; what was checked between them is not asked
            for again.
        threads: so many addresses are asked for at once.
        web, s3_client: what reads them.

    Attributes:
        changed: the rows that the search has changed.
        kept: what went wrong where the photo read before stays.
    """

    store: ObjectStore
    catalog_uri: str
    index: PhotoIndex
    now: str
    fresh_after: str
    threads: int
    web: "PublicWeb"
    s3_client: "Callable[[], S3Client]"
    changed: PhotoIndex = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    _stored: set[str] = field(default_factory=set)
    _outages: Outages = field(default_factory=Outages)

    def find(self, uris: Iterable[str]) -> dict[str, Photo]:
        """What is at each of these addresses, as the catalog's cells have them.

        Raises:
            StoreError: a prepared photo cannot be looked for, or put.
        """
        found: dict[str, Photo] = {}
        asked: list[_Asked] = []
        for uri in uris:
            try:
                address = locate_photo(uri, beside=self.catalog_uri)
            except PhotoUnusableError as error:
                found[uri] = error
                continue
            address_sha256 = hashlib.sha256(address.encode()).hexdigest()
            asked.append(_Asked(uri, address, address_sha256, self.index.get(address_sha256)))
        self._look_for_stored({_key_of(one.row) for one in asked if one.row is not None})
        to_read: list[_Asked] = []
        for one in asked:
            if one.row is not None and scheme_of(one.address) and self._needs_no_asking(one.row):
                found[one.uri] = SourcePhoto(uri=one.row.uri, sha256=one.row.photo_sha256)
            else:
                to_read.append(one)
        if to_read:
            with ThreadPoolExecutor(self.threads, thread_name_prefix="photos") as pool:
                for one, photo in zip(to_read, pool.map(self._read, to_read), strict=True):
                    found[one.uri] = photo
        return found

    def log_kept(self) -> None:
        """Warn of what went wrong where nothing changed by it."""
        for problem in self.kept[:_WARNED_OF]:
            _log.warning("%s. The photo read from there before is used on.", problem)
        if len(self.kept) > _WARNED_OF:
            more = len(self.kept) - _WARNED_OF
            _log.warning("%d more photos could not be read and are used on as they were.", more)

    def _look_for_stored(self, keys: set[str]) -> None:
        """Note which prepared photos the store has, by one listing where there are many."""
        wanted = keys - self._stored
        if len(wanted) > _LOOKED_AT_ONE_BY_ONE:
            self._stored.update(self.store.list_keys(photo_prefix()))
            return
        for key in wanted:
            try:
                self._stored.add(self.store.head(key).key)
            except ObjectNotFoundError:
                continue

    def _needs_no_asking(self, row: RememberedPhoto) -> bool:
        return self._is_fresh(row) and _key_of(row) in self._stored

    def _is_fresh(self, row: RememberedPhoto) -> bool:
        return self.fresh_after < row.checked_at <= self.now

    def _read(self, asked: _Asked) -> Photo:
        """Ask for one address; what was read from there before outlives every failure."""
        try:
            self._outages.check(asked.address)
            row = self._ask(asked)
        except (PhotoUnusableError, PhotoUnavailableError) as error:
            self._outages.note(asked.address, error)
            if asked.row is None:
                return error
            self.kept.append(str(error))
            row = asked.row
        else:
            self._outages.note(asked.address, None)
            if row != asked.row:
                self.changed[asked.address_sha256] = row
        return SourcePhoto(uri=row.uri, sha256=row.photo_sha256)

    def _ask(self, asked: _Asked) -> RememberedPhoto:
        """The row that an address has from now on."""
        is_stored = asked.row is not None and _key_of(asked.row) in self._stored
        fetched = read_photo(
            asked.uri,
            beside=self.catalog_uri,
            known=asked.row.version if asked.row is not None and is_stored else None,
            web=self.web,
            s3_client=self.s3_client,
        )
        if isinstance(fetched, FetchedPhoto):
            return self._keep(asked, fetched)
        if asked.row is None:
            problem = "was said not to have changed, though it was never read; try again"
            raise PhotoUnavailableError(shown_uri(asked.address), problem)
        if self._is_fresh(asked.row):  # a file: it is looked at each time
            return asked.row
        return asked.row._replace(checked_at=self.now)

    def _keep(self, asked: _Asked, fetched: FetchedPhoto) -> RememberedPhoto:
        """Put the prepared photo into the store, unless its content is there."""
        sha256 = hashlib.sha256(fetched.data).hexdigest()
        stored = [kind for kind in _EXTENSIONS if photo_key(sha256, kind) in self._stored]
        extension = stored[0] if stored else self._prepare(asked, fetched.data, sha256)
        return RememberedPhoto(
            address_sha256=asked.address_sha256,
            uri=shown_uri(asked.address),
            photo_sha256=sha256,
            extension=extension,
            etag=fetched.version.etag,
            last_modified=fetched.version.last_modified,
            checked_at=self.now,
        )

    def _prepare(self, asked: _Asked, data: bytes, sha256: str) -> str:
        with _PREPARING:
            photo = prepare_photo(data, uri=shown_uri(asked.address))
        key = photo_key(sha256, photo.extension)
        try:
            self.store.put(key, photo.data, content_type=photo.content_type, if_absent=True)
        except ConditionFailedError:
            _log.debug("%s is there already", key)
        self._stored.add(key)
        return photo.extension


def _key_of(row: RememberedPhoto) -> str:
    return photo_key(row.photo_sha256, row.extension)
