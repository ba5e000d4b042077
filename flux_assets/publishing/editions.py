"""The editions of a store: each number is claimed once, by a conditional write, and stays."""

import hashlib
import re
from datetime import datetime

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.edition_file import EditionFile, write_edition
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet_file import PARQUET

FEEDS_PREFIX = "publishing/feeds/"
_OF_CHANNEL = re.compile(rf"{FEEDS_PREFIX}([^/]+)/editions/(\d{{6,}})\.parquet")
_NAME = re.compile(r"(\d{6,})\.parquet")


def edition_key(channel: str, number: int) -> str:
    """Where one edition lies, for ever."""
    return f"{_folder_of(channel)}{number:06d}.parquet"


def list_channels(store: ObjectStore) -> list[str]:
    """The channels that have editions, whether they are enabled still or not."""
    return sorted(list_newest(store))


def list_newest(store: ObjectStore) -> dict[str, int]:
    """The number of the newest edition of each channel that has one."""
    newest: dict[str, int] = {}
    for key in store.list_keys(FEEDS_PREFIX):
        if found := _OF_CHANNEL.fullmatch(key):
            newest[found[1]] = max(int(found[2]), newest.get(found[1], 0))
    return newest


def list_numbers(store: ObjectStore, channel: str) -> list[int]:
    """The numbers of a channel's editions, in their order."""
    folder = _folder_of(channel)
    names = (key.removeprefix(folder) for key in store.list_keys(folder))
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def list_editions(store: ObjectStore, channel: str) -> list[tuple[int, datetime]]:
    """Each of a channel's editions, and when it was put there; the newest first."""
    folder = _folder_of(channel)
    found = ((_NAME.fullmatch(it.key.removeprefix(folder)), it) for it in store.list(folder))
    return sorted(((int(name[1]), it.modified_at) for name, it in found if name), reverse=True)


def read_edition(store: ObjectStore, channel: str, number: int) -> Edition:
    """One edition.

    Raises:
        ObjectNotFoundError: there is none of this number.
        StoreError: it cannot be read, or is damaged.
    """
    return open_edition(store, channel, number).read()


def open_edition(store: ObjectStore, channel: str, number: int) -> EditionFile:
    """One edition, still to be unpacked.

    Raises:
        ObjectNotFoundError: there is none of this number.
        StoreError: it cannot be read.
    """
    key = edition_key(channel, number)
    return EditionFile(store.get(key).data, store.uri_for(key))


def read_last_edition(store: ObjectStore, channel: str) -> Edition | None:
    """The newest one; None where there is none yet.

    Raises:
        StoreError: it cannot be read, or is damaged.
    """
    numbers = list_numbers(store, channel)
    return read_edition(store, channel, numbers[-1]) if numbers else None


def hash_edition(store: ObjectStore, channel: str, number: int) -> str:
    """The sha256 (hex) of an edition's bytes.

    Raises:
        ObjectNotFoundError: there is none of this number.
        StoreError: it cannot be read.
    """
    return hashlib.sha256(store.get(edition_key(channel, number)).data).hexdigest()


def claim_edition(store: ObjectStore, edition: Edition) -> bool:
    """Put an edition where none is of its number; False where another is or comes first.

    Raises:
        StoreError: it cannot be written.
    """
    key = edition_key(edition.channel, edition.number)
    try:
        store.put(key, write_edition(edition), content_type=PARQUET, if_absent=True)
    except ConditionFailedError:
        # The client repeats a write whose reply was lost: the first may have been ours.
        try:
            found = read_edition(store, edition.channel, edition.number)
        except ObjectNotFoundError:
            return False  # another's write is still under way, or failed: look again
        return found.claim == edition.claim
    return True


def _folder_of(channel: str) -> str:
    return f"{FEEDS_PREFIX}{channel}/editions/"
