"""One search for photos: each address is asked for once, and none where it need not be."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from flux_assets.errors import (
    ConditionFailedError,
    ObjectNotFoundError,
    PhotoUnavailableError,
    PhotoUnusableError,
    SourceError,
    StoreError,
)
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.memory_budget import MemoryBudget
from flux_assets.pictures.photos.address import locate_photo
from flux_assets.pictures.photos.buckets import check_bucket
from flux_assets.pictures.photos.doubts import Given, find_doubted
from flux_assets.pictures.photos.fetched import FetchedPhoto
from flux_assets.pictures.photos.index import PhotoIndex, RememberedPhoto
from flux_assets.pictures.photos.outages import Outages
from flux_assets.pictures.photos.photo import DoubtedPhotoError, Photo, SharedPhotoError
from flux_assets.pictures.photos.prepare import NoPhotoError, prepare_photo
from flux_assets.pictures.photos.read import read_photo
from flux_assets.storage.object_store import ObjectStore, photo_key, photo_prefix
from flux_assets.storage.sources.address import scheme_of, shown_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from flux_assets.pictures.photos.public_web import PublicWeb

_EXTENSIONS = ("jpg", "png")
_LOOKED_AT_ONE_BY_ONE = 32  # prepared photos; more are listed
_WARNED_OF = 20

_WAITS = (
    "Nothing is bought with it; once it is mended all goes on. If it is right, run once with "
    "accept_changes (--accept-changes)"
)

Accepts = Literal["nothing", "for_now", "for_good"]
"""Whether doubted photos are taken for right, and whether that is remembered."""

_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """One cell's address, and what is remembered of it."""

    uri: str
    address: str
    address_sha256: str
    row: RememberedPhoto | None


class _Reading(NamedTuple):
    """What an address gave: the row that it may have from now on, or why there is none."""

    asked: _Asked
    result: RememberedPhoto | PhotoUnusableError | PhotoUnavailableError

    @property
    def given(self) -> Given | None:
        """The bytes that were read, photo or not."""
        if isinstance(self.result, RememberedPhoto):
            sha256 = self.result.photo_sha256
        elif isinstance(self.result, NoPhotoError):
            sha256 = self.result.sha256
        else:
            return None
        return Given(self.asked.row, sha256, shown_uri(self.asked.address))


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
        budget: in which photos wait for their turn to be decoded.
        web, s3_client, buckets: what reads them, and which buckets may be read.
        remembered: the photos that are doubted already, by their sha256.
        accepts: takes what is doubted for right; `for_now` remembers none of it.

    Attributes:
        changed: the rows that the search has changed.
        kept: what went wrong where the photo read before stays.
        doubted: the photos that are doubted, or were and are accepted now, by their sha256.
    """

    store: ObjectStore
    catalog_uri: str
    index: PhotoIndex
    now: str
    fresh_after: str
    threads: int
    budget: MemoryBudget
    web: "PublicWeb"
    s3_client: "Callable[[], S3Client]"
    buckets: Collection[str] = ()
    remembered: Collection[str] = ()
    accepts: Accepts = "nothing"
    changed: PhotoIndex = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    doubted: dict[str, int] = field(default_factory=dict)
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
        readings = self._read_all(asked)
        self._find_doubted(readings)
        return found | {reading.asked.uri: self._judge(reading) for reading in readings}

    def _read_all(self, asked: Iterable[_Asked]) -> list[_Reading]:
        readings: list[_Reading] = []
        to_read: list[_Asked] = []
        for one in asked:
            if one.row is not None and scheme_of(one.address) and self._needs_no_asking(one.row):
                readings.append(_Reading(one, one.row))
            else:
                to_read.append(one)
        if to_read:
            with ThreadPoolExecutor(self.threads, thread_name_prefix="photos") as pool:
                try:
                    readings.extend(pool.map(self._read, to_read))
                except StoreError:  # what was read before it is not forgotten
                    self._find_doubted(readings)
                    for reading in readings:
                        self._judge(reading)
                    raise
        return readings

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

    def _read(self, asked: _Asked) -> _Reading:
        """Ask for one address."""
        try:
            check_bucket(asked.address, self.buckets)
            self._outages.check(asked.address)
            row = self._ask(asked)
        except (PhotoUnusableError, PhotoUnavailableError) as error:
            self._outages.note(asked.address, error)
            return _Reading(asked, error.with_traceback(None))  # which would keep what was read
        self._outages.note(asked.address, None)
        return _Reading(asked, row)

    def _find_doubted(self, readings: Iterable[_Reading]) -> None:
        given = [it for reading in readings if (it := reading.given)]
        self.doubted.update(find_doubted(given, self.index, self.remembered))

    def _judge(self, reading: _Reading) -> Photo:
        """What the product's photo is now: what was read before outlives failure and doubt."""
        asked, result = reading
        if not isinstance(result, RememberedPhoto):
            return self._keep_former(asked, result, self._doubt_of(asked, result))
        is_other = asked.row is None or result.photo_sha256 != asked.row.photo_sha256
        if is_other and result.photo_sha256 in self.doubted:
            if self.accepts == "nothing":
                problem = _describe_shared(self.doubted[result.photo_sha256])
                shared = SharedPhotoError(shown_uri(asked.address), problem)
                return self._keep_former(asked, shared, str(shared))
            if self.accepts == "for_now":
                return _photo_of(result)
        if result != asked.row:
            self.changed[asked.address_sha256] = result
        return _photo_of(result)

    def _doubt_of(self, asked: _Asked, error: SourceError) -> str:
        """Why nothing may be bought while there is no photo; empty where `fallback` decides."""
        if self.accepts != "nothing" or not isinstance(error, NoPhotoError):
            return ""
        is_doubted = asked.row is not None or error.is_reply or error.sha256 in self.doubted
        return f"{error}. {_WAITS}" if is_doubted else ""

    def _keep_former(
        self, asked: _Asked, error: PhotoUnusableError | PhotoUnavailableError, doubt: str
    ) -> Photo:
        if asked.row is not None:
            self.kept.append(str(error))
            return replace(_photo_of(asked.row), doubt=doubt)
        if doubt and isinstance(error, PhotoUnusableError):
            return DoubtedPhotoError(error.uri, error.problem, doubt)
        return error

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
        photo = prepare_photo(data, uri=shown_uri(asked.address), budget=self.budget)
        key = photo_key(sha256, photo.extension)
        try:
            self.store.put(key, photo.data, content_type=photo.content_type, if_absent=True)
        except ConditionFailedError:
            _log.debug("%s is there already", key)
        self._stored.add(key)
        return photo.extension


def _key_of(row: RememberedPhoto) -> str:
    return photo_key(row.photo_sha256, row.extension)


def _photo_of(row: RememberedPhoto) -> SourcePhoto:
    return SourcePhoto(uri=row.uri, sha256=row.photo_sha256)


def _describe_shared(addresses: int) -> str:
    also = f"{addresses - 1} other addresses" if addresses > 2 else "another address"
    what = f"gives the same picture as {also}" if addresses > 1 else "gives such a picture still"
    return f"{what}, and did not before, as a placeholder does. {_WAITS}"
