"""Where the CPU time of a bought picture goes: each part of its way, one after the other.

Pictures of 512 x 512, one thread, directory store, an API that answers at once, SQLite.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
from pydantic import SecretStr

from buying import build_requests
from figures import Figure, run_alone
from flux_assets.bill.ledger_entry import AcceptedCall
from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.buying.outcome import Outcome
from flux_assets.buying.picture_records import open_records
from flux_assets.defs.event_storage import storage_config
from flux_assets.defs.events import log_outcomes
from flux_assets.defs.names import Names
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.pictures.inspect import inspect_picture
from flux_assets.pictures.lineage import build_object_metadata
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from scratch import make_scratch_folder
from servers import simulator

_TIMEOUT_SECONDS = 180
_NOTED_AT = "2026-01-01T00:00:00+00:00"
_DECODING = "decoding, checksums and hash"
_PREVIEW = "the preview"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Milliseconds of user and system time a picture, by part."""
    pictures = 8 if quick else 240
    parts = _Parts()
    folder = make_scratch_folder()
    with simulator(folder) as base_url:
        store = DirectoryStore(folder / "store")
        buyer = _Buyer(store, base_url, parts)
        outcomes = [buyer.buy(request) for request in build_requests(pictures)]
        _log_events(folder, outcomes, store, parts)
    parts.seconds[_PREVIEW] -= parts.seconds[_DECODING]  # which making one takes as well
    return [
        Figure(name=f"CPU a picture, of it {part}", unit="ms", ours=seconds / pictures * 1000)
        for part, seconds in parts.seconds.items()
    ]


class _Parts:
    """Adds up CPU time by part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds[part] += time.process_time() - began


class _Buyer:
    """Goes one picture's way as `Purchase` does, a part at a time."""

    def __init__(self, store: DirectoryStore, base_url: str, parts: _Parts) -> None:
        settings = load_settings({})
        run = RunIdentity(run_id="bench", step="bench", is_run_dead=lambda _: False)
        self._store = store
        self._ledger = open_ledger(settings, store, run)
        self._preview_px = settings.preview_px
        self._records = open_records(settings, store, self._ledger, preview_px=self._preview_px)
        self._client = ImageApiClient(
            replace(ApiOptions.of(settings), base_url=base_url), api_key=SecretStr(SAMPLE_KEY)
        )
        self._parts = parts

    def buy(self, request: ImageRequest) -> Outcome:
        """Buy one picture."""
        with self._parts.time("the ledger's claim"):
            self._ledger.read(request.fingerprint)
            claim = self._ledger.claim(request, None)
        with self._parts.time("the call"):
            reply = self._client.submit(request, timeout_seconds=_TIMEOUT_SECONDS)
        call = AcceptedCall(
            uuid=reply.uuid,
            result_keys=reply.result_keys,
            temporary_url=reply.temporary_url or "",
            accepted_at=_NOTED_AT,
            latency_seconds=0.0,
        )
        with self._parts.time("the ledger's note of the paid reply"):
            entry = self._ledger.record_reply(claim, call)
        with self._parts.time("the download"):
            data = self._client.download(call.temporary_url, timeout_seconds=_TIMEOUT_SECONDS)
        with self._parts.time(_DECODING):
            inspect_picture(data)
        with self._parts.time(_PREVIEW):
            picture = inspect_picture(data, preview_px=self._preview_px)
        with self._parts.time("the picture's durable file and its metadata"):
            lineage = self._records.build(request, entry, picture)
            self._store.put(
                lineage.object_key,
                data,
                content_type=picture.content_type,
                metadata=build_object_metadata(request, picture, uuid=entry.uuid, mode="sample"),
                if_absent=True,
            )
        with self._parts.time("the ledger's lineage"):
            self._records.note(entry, lineage)
        return Outcome(
            kind="generated", request=request, lineage=lineage, preview=picture.preview, calls=1
        )


def _log_events(
    folder: Path, outcomes: Sequence[Outcome], store: DirectoryStore, parts: _Parts
) -> None:
    @dg.op
    def log_pictures(context: dg.OpExecutionContext) -> None:
        with parts.time("its event in Dagster, with preview"):
            log_outcomes(
                context,
                outcomes,
                settings=load_settings({}),
                names=Names(),
                store=store,
                products={},
            )

    @dg.job
    def log_all() -> None:
        log_pictures()

    overrides = {"storage": storage_config(str(folder))}
    with dg.DagsterInstance.local_temp(str(folder), overrides=overrides) as instance:
        log_all.execute_in_process(instance=instance, run_config=_QUIET)


if __name__ == "__main__":
    run_alone(measure, __doc__)
