"""Whether the store can be bought into: whose it is, what it allows, and what its clock says."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from flux_assets.clock import SYSTEM_CLOCK
from flux_assets.commands.checks.finding import Finding
from flux_assets.defs.resources import StoreResource
from flux_assets.errors import StoreError, StorePermissionError
from flux_assets.image_api.open_api import api_origin
from flux_assets.settings import Settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import check_store_identity
from flux_assets.storage.probe import probe_store

_MAX_SKEW = timedelta(minutes=1)


def check_store(settings: Settings, run_id: str) -> Iterator[Finding]:
    """Try the store of the settings, in the folder of `run_id`, which expires; it stays unmarked.

    Raises:
        SettingsError, StoreError: it cannot be reached.
    """
    store = StoreResource(settings).open_part(settings.shop)
    with _place_to_try(store) as place:
        yield from judge_store(settings, store, run_id, place=place)
        try:
            yield judge_clock(place, SYSTEM_CLOCK.utc_now())
        except StoreError as error:
            yield Finding(name="clock", verdict="problem", detail=str(error))


@contextmanager
def _place_to_try(store: ObjectStore) -> Iterator[ObjectStore]:
    """Where to write: the store; for a folder that is still to be made, one beside it."""
    folder = Path(store.uri)
    if not isinstance(store, DirectoryStore) or folder.exists():
        yield store
        return
    made = next(parent for parent in folder.parents if parent.exists())
    try:
        beside = TemporaryDirectory(prefix=".flux_assets-check-", dir=made)
    except OSError:  # as writing into the store then tells, too
        yield store
        return
    with beside as name:
        yield DirectoryStore(Path(name))


def judge_store(
    settings: Settings, store: ObjectStore, run_id: str, *, place: ObjectStore | None = None
) -> Iterator[Finding]:
    """Whose the store is, and what it allows; `place` stands for it where it is not made yet.

    Raises:
        StoreError: it cannot be reached, so that nothing more could be learnt of it.
        StoreMismatchError: it is another's, and left alone.
    """
    detail = f"{store.uri} is new"
    try:
        if check_store_identity(
            store, mode=settings.mode, api_origin=api_origin(settings), shop=settings.shop
        ):
            detail = f"{store.uri} is this shop's, in {settings.mode} mode"
        yield Finding(name="store", verdict="ok", detail=detail)
    except StorePermissionError as error:
        yield Finding(name="store", verdict="problem", detail=str(error))
    for probe in probe_store(place or store, run_id):
        yield Finding(
            name=f"store {probe.name}",
            verdict="problem" if probe.problem else "ok",
            detail=probe.problem or "works",
        )


def judge_clock(store: ObjectStore, now: datetime) -> Finding:
    """Compare this machine's clock with the store's.

    Raises:
        StoreError: the store's cannot be read.
    """
    skew = now - store.now()
    seconds = abs(skew.total_seconds())
    if abs(skew) <= _MAX_SKEW:
        return Finding(name="clock", verdict="ok", detail=f"{seconds:.0f} s from the store's")
    detail = (
        f"{seconds:.0f} s {'ahead of' if skew > timedelta() else 'behind'} the store's; set it "
        "by NTP. From 15 minutes S3 refuses signed requests, and the schedule's night begins "
        "apart; claims and the daily limit are safe, they go by the store's clock"
    )
    return Finding(name="clock", verdict="warning", detail=detail)
