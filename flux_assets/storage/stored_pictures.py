"""What a listing of `images/` shows: which pictures there are, and whose."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flux_assets.storage.object_store import ObjectStore, picture_key, picture_prefix


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """What a listing of `images/` shows: picture keys by short fingerprint, and whose they are.

    `prefixes` are those of each shot of a product that has a picture.
    """

    keys: Mapping[str, str]
    prefixes: AbstractSet[str]


def list_pictures(store: ObjectStore, prefixes: Iterable[str] | None = None) -> StoredPictures:
    """List the store's pictures, all of them or those under some prefixes.

    What lies elsewhere below `images/` is no picture of ours, such as the empty object that stands
    for a folder in S3's console.
    """
    keys: dict[str, str] = {}
    owners: set[str] = set()
    for prefix in prefixes if prefixes is not None else (picture_prefix(),):
        for key in store.list_keys(prefix):
            owner, _, name = key.rpartition("/")
            if name and owner.count("/") == 2:
                keys[name.partition(".")[0]] = key
                owners.add(f"{owner}/")
    return StoredPictures(keys, owners)


def find_picture(store: ObjectStore, *, shot: str, product_id: str, fingerprint: str) -> str | None:
    """The key of a request's stored picture, whatever its format; None if there is none."""
    prefix = picture_key(shot=shot, product_id=product_id, fingerprint=fingerprint, extension="")
    return next(store.list_keys(prefix), None)
