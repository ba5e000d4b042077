"""Fills a shop as if all of its pictures had been bought; `shops.open_filled_shop` runs it.

Pictures, ledger entries and the manifest are built by the project's own code and written as it
leaves them, though without its guards, as nobody else writes and nobody pays. Dagster's events are
copies of one that Dagster wrote, since writing each takes it longer than everything else together.
"""

import argparse
import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import dagster as dg

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.bill.process_identity import this_process
from flux_assets.buying.outcome import Outcome
from flux_assets.buying.picture_records import PictureRecords, open_records
from flux_assets.catalog.product import Product
from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.defs.events import build_materialization
from flux_assets.defs.names import Names
from flux_assets.defs.partitions import add_products
from flux_assets.image_api.request import ImageRequest, build_image_request
from flux_assets.image_api.simulator.pictures import draw_picture
from flux_assets.manifest.refresh import write_manifest
from flux_assets.manifest.rows import build_manifest_rows
from flux_assets.pictures.inspect import Picture, inspect_picture
from flux_assets.pictures.lineage import LineageRecord, build_object_metadata
from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets.prompts.requests import build_requests
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ledger_key
from flux_assets.storage.open_store import ensure_store_identity
from flux_assets.storage.parquet import StoredTable, write_parquet

_MADE_AT = "2026-01-01T00:00:00+00:00"
_PROCESSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Some of a shop's products, for one process to fill."""

    settings: Settings
    products: Sequence[Product]


class _UnguardedStore(DirectoryStore):
    """Leaves the files that a directory store leaves, each written once, for one writer only."""

    def put(
        self,
        key: str,
        data: bytes | Iterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,  # noqa: ARG002 - a new shop has nothing yet
        if_match: str | None = None,  # noqa: ARG002 - as above
    ) -> str:
        body = data if isinstance(data, bytes) else b"".join(data)
        etag = hashlib.sha256(body).hexdigest()
        if metadata:
            description = {etag: {"content_type": content_type, "metadata": dict(metadata)}}
            _write(self._descriptions.path_of(key), json.dumps(description).encode())
        _write(Path(self.uri_for(key)), body)
        return etag


def main() -> None:
    """Fill the shop that the environment's settings describe, and that has no picture yet."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    settings = load_settings(os.environ)
    products = load_catalog(settings, load_shots(settings)).products
    store = DirectoryStore(Path(settings.store))
    ensure_store_identity(
        store, mode=settings.mode, api_origin=settings.onemin_base_url, shop=settings.shop
    )
    parts = [
        _Part(settings=settings, products=products[start::_PROCESSES])
        for start in range(_PROCESSES)
    ]
    with ProcessPoolExecutor(_PROCESSES) as pool:
        records = [record for made in pool.map(_fill, parts) for record in made]
    rows = write_parquet(build_manifest_rows(records, store))
    write_manifest(store, StoredTable(rows), over=None)
    prepare_dagster_home()
    with dg.DagsterInstance.get() as instance:
        ids = (product.product_id for product in products)
        add_products(instance, Names(shop=settings.shop), ids)
        _tell_dagster(instance, records, store)


def _fill(part: _Part) -> list[LineageRecord]:
    """Store each picture with its ledger entry; gives their lineage."""
    logging.disable(logging.WARNING)  # the picture has no shot's shape
    settings = part.settings
    store = _UnguardedStore(Path(settings.store))
    run = RunIdentity(run_id="filled", step="filled", is_run_dead=lambda _: False)
    ledger = open_ledger(settings, store, run)
    records = open_records(settings, store, ledger, preview_px=0)
    data = draw_picture(
        prompt="",
        seed=0,
        aspect_ratio="1:1",
        megapixels=0.0,
        output_format="png",
        output_quality=90,
    )
    picture = inspect_picture(data)
    requests = build_requests(part.products, load_shots(settings).shots)
    return [
        _put(request, *_as_its_own(data, picture, request), records)
        for request in requests
        if isinstance(request, ImageRequest)
    ]


def _as_its_own(data: bytes, picture: Picture, request: ImageRequest) -> tuple[bytes, Picture]:
    """As if drawn for this request alone: pictures that are alike are looked at one by one."""
    own = data + request.fingerprint.encode()  # after a PNG's end, where nobody looks
    return own, replace(
        picture,
        size_bytes=len(own),
        sha256=hashlib.sha256(own).hexdigest(),
        pixels_digest=request.fingerprint[:32],
    )


def _put(
    request: ImageRequest, data: bytes, picture: Picture, records: PictureRecords
) -> LineageRecord:
    entry = LedgerEntry(
        fingerprint=request.fingerprint,
        state="stored",
        revision=3,
        claim_id=uuid4().hex,
        run_id="filled",
        step="filled",
        process=this_process(),
        attempts=1,
        request=request.to_json(),
        uuid=str(uuid4()),
        accepted_at=_MADE_AT,
        latency_seconds=30.0,
    )
    record = records.build(request, entry, picture)
    records.store.put(
        record.object_key,
        data,
        content_type=picture.content_type,
        metadata=build_object_metadata(request, picture, uuid=entry.uuid, mode=records.mode),
        if_absent=True,
    )
    records.store.put(
        ledger_key(request.fingerprint),
        replace(entry, lineage=record).to_bytes(),
        content_type="application/json",
        if_absent=True,
    )
    return record


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _tell_dagster(
    instance: dg.DagsterInstance, records: Sequence[LineageRecord], store: DirectoryStore
) -> None:
    """Have each picture as a materialization in the log that is kept across runs."""
    by_shot = {record.shot: record for record in records}
    for record in by_shot.values():
        request = build_image_request(
            product_id=record.product_id, shot=record.shot, prompt="", parameters={}
        )
        outcome = Outcome(kind="generated", request=request, lineage=record)
        event = build_materialization(
            outcome, settings=load_settings({}), names=Names(), store=store, product=None
        )
        instance.report_runless_asset_event(event)
    index = Path(os.environ["DAGSTER_HOME"]) / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(index)) as log:
        for first in by_shot.values():
            others = (
                record for record in records if record.shot == first.shot and record is not first
            )
            _copy_event(log, first, others)
        log.commit()


def _copy_event(
    log: sqlite3.Connection, first: LineageRecord, others: Iterator[LineageRecord]
) -> None:
    log.row_factory = sqlite3.Row
    [event] = log.execute(
        "SELECT * FROM event_logs WHERE partition = ? AND asset_key LIKE ?",
        (first.product_id, f'%"{first.shot}"]'),
    )
    tags = log.execute("SELECT * FROM asset_event_tags WHERE event_id = ?", (event["id"],))
    tags_of_first = [dict(tag) for tag in tags]
    [[next_id]] = log.execute("SELECT max(id) + 1 FROM event_logs")
    for event_id, record in enumerate(others, start=next_id):
        changes = {first.product_id: record.product_id}
        changes[first.request_fingerprint] = record.request_fingerprint
        _insert(log, "event_logs", dict(event) | {"id": event_id}, changes)
        for tag in tags_of_first:
            _insert(log, "asset_event_tags", tag | {"id": None, "event_id": event_id}, changes)


def _insert(
    log: sqlite3.Connection, table: str, row: dict[str, object], changes: dict[str, str]
) -> None:
    values = [_change(value, changes) for value in row.values()]
    marks = ", ".join("?" * len(row))
    log.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)  # noqa: S608 - our own names


def _change(value: object, changes: dict[str, str]) -> object:
    if isinstance(value, str):
        for old, new in changes.items():
            value = value.replace(old, new)
    return value


if __name__ == "__main__":
    main()
