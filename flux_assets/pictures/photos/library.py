"""The products' own photos: which one each product has now, and the bytes to edit."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import ObjectNotFoundError, PhotoUnusableError, StoreError
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.memory_budget import ENDLESS, MemoryBudget, open_pixel_budget
from flux_assets.pictures.photos.buckets import list_photo_buckets
from flux_assets.pictures.photos.doubts import note_doubted, read_doubted
from flux_assets.pictures.photos.index import format_time, read_index, update_index
from flux_assets.pictures.photos.photo import DoubtedPhotoError, Photo
from flux_assets.pictures.photos.prepare import PhotoExtension, PreparedPhoto, read_prepared
from flux_assets.pictures.photos.search import Accepts, PhotoSearch
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore, photo_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from flux_assets.pictures.photos.public_web import PublicWeb

_EXTENSIONS: tuple[PhotoExtension, ...] = ("jpg", "png")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLibrary:
    """Photos by the addresses that a catalog names, remembered in the store.

    A photo that was read once stays the product's photo until another one is read from the same
    address: a server that is down, or a file that is gone, changes nothing.

    Args:
        store: where prepared photos and what is remembered of addresses lie.
        catalog_uri: the catalog's own path or URI, which relative addresses start from.
        allow_private: whether addresses may lead into private networks.
        buckets: those that `s3://` addresses may lead into.
        max_age: a photo checked less long ago is not asked for again; files always are.
        clock: time.
        threads: so many photos are read at once.
        budget: in which they wait for their turn to be decoded.
        s3_client: makes the client that reads `s3://` photos; without it, one with AWS's own
            credential chain is made.
    """

    store: ObjectStore
    catalog_uri: str
    allow_private: bool
    max_age: timedelta
    clock: Clock
    buckets: Collection[str] = ()
    threads: int = 16
    budget: MemoryBudget = ENDLESS
    s3_client: "Callable[[], S3Client] | None" = None

    def find(
        self, wanted: Iterable[tuple[str, ...]], *, accepts: Accepts = "nothing"
    ) -> Mapping[tuple[str, ...], Photo]:
        """The photo of each product, by its candidate addresses in order.

        The first usable candidate is the product's photo. An unusable one leads on to the next;
        one that is unavailable does not: another picture would be bought because of an outage.
        A photo, or an unusable one, with a `doubt` is one that nothing may be bought with now.

        Args:
            wanted: the candidate addresses of each product.
            accepts: whether what is doubted is taken for right, and whether for good.

        Raises:
            StoreError: the store cannot be read or written.
        """
        groups = list(dict.fromkeys(wanted))
        web = self._open_web()
        now = self.clock.utc_now().astimezone(UTC)
        search = PhotoSearch(
            store=self.store,
            catalog_uri=self.catalog_uri,
            index=read_index(self.store),
            now=format_time(now),
            fresh_after=format_time(now - self.max_age),
            threads=self.threads,
            budget=self.budget,
            web=web,
            s3_client=_make_once(self.s3_client),
            buckets=self.buckets,
            remembered=read_doubted(self.store),
            accepts=accepts,
        )
        found: dict[str, Photo] = {}
        try:
            searching, place = groups, 0
            while searching := [group for group in searching if len(group) > place]:
                asked = dict.fromkeys(group[place] for group in searching)
                found |= search.find(uri for uri in asked if uri not in found)
                searching = [
                    group
                    for group in searching
                    if isinstance(found[group[place]], PhotoUnusableError)
                ]
                place += 1
        finally:
            web.close()
            search.log_kept()
            if search.changed:
                update_index(self.store, search.changed)
            if search.doubted and accepts != "for_now":
                is_accepted = accepts == "for_good"
                note_doubted(self.store, search.doubted, is_accepted=is_accepted)
        return {group: _choose(group, found) for group in groups}

    def read(self, sha256: str) -> PreparedPhoto:
        """The prepared photo of this content, for upload and preview.

        Args:
            sha256: of the photo as it was read, as `find` gives it.

        Raises:
            StoreError: it is gone, damaged or cannot be read.
        """
        for extension in _EXTENSIONS:
            key = photo_key(sha256, extension)
            try:
                return read_prepared(self.store.get(key).data, extension)
            except ObjectNotFoundError:
                continue
            except OSError as error:
                problem = "it is damaged; delete it and run again, so that it is read anew"
                raise StoreError(self.store.uri_for(key), "open the photo", problem) from error
        problem = "it is gone; run again, so that it is read anew from where the catalog says"
        uri = self.store.uri_for(photo_key(sha256, "jpg"))
        raise StoreError(uri, "read the photo", problem)

    def _open_web(self) -> "PublicWeb":
        from flux_assets.pictures.photos.pinned import PinnedConnections
        from flux_assets.pictures.photos.public_web import PublicWeb

        if not self.allow_private:
            return PublicWeb()
        return PublicWeb(connections=PinnedConnections(may_connect=lambda _: True))


def _choose(group: tuple[str, ...], found: Mapping[str, Photo]) -> Photo:
    unusable: list[PhotoUnusableError] = []
    for uri in group:
        photo = found[uri]
        if isinstance(photo, SourcePhoto):
            return replace(photo, doubt=photo.doubt or _first_doubt(unusable))
        if not isinstance(photo, PhotoUnusableError):
            return photo
        unusable.append(photo)
    if len(unusable) == 1:
        return unusable[0]
    if not unusable:
        return PhotoUnusableError("(no address)", "the catalog names no photo; fill in its address")
    reasons = "; ".join(str(error) for error in unusable[1:])
    problem = f"{unusable[0].problem}; {reasons}"
    if doubt := _first_doubt(unusable):
        return DoubtedPhotoError(unusable[0].uri, problem, doubt)
    return PhotoUnusableError(unusable[0].uri, problem)


def _first_doubt(unusable: Iterable[PhotoUnusableError]) -> str:
    return next((it.doubt for it in unusable if isinstance(it, DoubtedPhotoError)), "")


def _make_once(make: "Callable[[], S3Client] | None") -> "Callable[[], S3Client]":
    """One client for all threads, made when the first of them needs it."""
    lock = threading.Lock()
    made: list[S3Client] = []

    def give() -> "S3Client":
        from flux_assets.storage.sources.s3_object import make_client

        with lock:
            if not made:
                made.append(make_client(make))
            return made[0]

    return give


def open_photos(settings: Settings, store: ObjectStore) -> PhotoLibrary:
    """The products' own photos, as the settings allow them to be read."""
    return PhotoLibrary(
        store=store,
        catalog_uri=settings.catalog,
        allow_private=settings.allow_private_sources,
        buckets=list_photo_buckets(settings),
        max_age=timedelta(hours=settings.photo_max_age_hours),
        clock=SYSTEM_CLOCK,
        budget=open_pixel_budget(settings),
    )
