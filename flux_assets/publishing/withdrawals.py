"""What was rejected leaves every channel, whatever else of publishing cannot be done."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from flux_assets.errors import FluxAssetsError, StoreError
from flux_assets.publishing.decisions import finish_interrupted
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.editions import list_channels
from flux_assets.publishing.publish import Published, withdraw_rejected
from flux_assets.storage.object_store import ObjectStore

_NO_FALLBACKS: Mapping[str, Edition | None] = MappingProxyType({})
_log = logging.getLogger(__name__)


def withdraw_everywhere(
    store: ObjectStore,
    *,
    by: str,
    why: str,
    fallbacks: Mapping[str, Edition | None] = _NO_FALLBACKS,
) -> tuple[list[Published], dict[str, StoreError]]:
    """As `withdraw_rejected` of every channel; those where it could not be done, with the problem.

    Raises:
        StoreError: the store cannot be listed.
    """
    published: list[Published] = []
    failed: dict[str, StoreError] = {}
    for channel in list_channels(store):
        try:
            found = withdraw_rejected(
                store, channel, by=by, why=why, fallback=fallbacks.get(channel)
            )
        except StoreError as error:
            failed[channel] = error
        else:
            published += [found] if found else []
    return published, failed


@contextmanager
def rejected_leaving(store: ObjectStore, *, by: str, why: str) -> Iterator[None]:
    """Let what was rejected leave all channels where publishing ends with an error."""
    try:
        yield
    except FluxAssetsError:
        try:
            finish_interrupted(store)
        except StoreError as error:
            _log.warning("decisions that were cut off: %s", error)
        try:
            _, failed = withdraw_everywhere(store, by=by, why=why)
        except StoreError as error:
            failed = {"every channel": error}
        for channel, problem in failed.items():
            _log.warning("%s may go on showing what was rejected: %s", channel, problem)
        raise
