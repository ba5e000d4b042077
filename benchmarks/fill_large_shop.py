"""Fills a large shop but for its pictures, which nobody stores; `large_shop` runs it.

The tables of products and requests are written by the project's own job. The manifest has one row
for each request, made by columns from one row; the pictures' keys go to a file, in their order.

python benchmarks/fill_large_shop.py KEYS
"""

import argparse
import os
from pathlib import Path
from uuid import uuid4

import dagster as dg
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.defs.names import Names
from flux_assets.defs.shop_definitions import build_definitions
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.rows import COLUMNS, build_manifest_row, build_manifest_rows
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.prompts.requests_table import REQUESTS_KEY, read_requests
from flux_assets.settings import load_settings
from flux_assets.storage.object_store import ObjectStore, picture_key
from flux_assets.storage.open_store import open_store
from flux_assets.storage.parquet import StoredTable, open_table
from flux_assets.storage.parquet_file import PARQUET, write_row_groups, write_rows
from flux_assets.storage.table_merge import merge_rows
from flux_assets.storage.table_parts import TableFolder

_MADE_AT = "2026-01-01T00:00:00+00:00"


def main() -> None:
    """Fill the shop that the environment's settings describe, and that has no picture yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", type=Path)
    arguments = parser.parse_args()
    settings = load_settings(os.environ)
    names = Names(shop=settings.shop)
    prepare_dagster_home()
    job = build_definitions(settings).resolve_job_def(names.job)
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(
            instance=instance,
            asset_selection=[names.key("product_catalog"), names.key("image_requests")],
        )
    store = open_store(settings.store, shop=settings.shop)
    groups = open_table(store, REQUESTS_KEY).read_groups()
    none = pa.Table.from_pandas(build_manifest_rows([], store), preserve_index=False)
    made = (_build_rows(group, store).cast(none.schema) for group in groups)
    rows = StoredTable(write_row_groups(made, none.schema))
    folder = TableFolder(store, MANIFEST_KEY) if settings.partition_by == "bucket" else None
    last = StoredTable(write_rows(none))
    manifest = merge_rows(last, rows, np.arange(rows.count_rows()), folder=folder)
    store.put(MANIFEST_KEY, manifest.data, content_type=PARQUET)
    keys = sorted(rows.read_texts("object_key"))
    arguments.keys.write_text("".join(f"{key}\n" for key in keys), "ascii")


def _build_rows(requests: pa.Table, store: ObjectStore) -> pa.Table:
    """A row of the manifest for each request: all but what identifies a picture is the first's."""
    asked = list(read_requests(requests.to_pandas()))
    plain = build_manifest_row(_build_lineage(asked[0]), store)
    keys = [_key_of(it) for it in asked]
    fingerprints = [it.fingerprint for it in asked]
    own = {
        "product_id": [it.product_id for it in asked],
        "shot": [it.shot for it in asked],
        "object_key": keys,
        "object_uri": list(map(store.uri_for, keys)),
        "request_fingerprint": fingerprints,
        "sha256": [it[::-1] for it in fingerprints],
        "pixels_digest": [it[:32] for it in fingerprints],
        "prompt": [it.prompt for it in asked],
        "seed": [it.prompt_object["seed"] for it in asked],
    }
    types = {"str": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
    return pa.table(
        {
            name: pa.array(own[name], types[kind])
            if name in own
            else pa.repeat(pa.scalar(plain[name], types[kind]), len(asked))
            for name, kind in COLUMNS.items()
        }
    )


def _key_of(request: ImageRequest) -> str:
    return picture_key(
        shot=request.shot,
        product_id=request.product_id,
        fingerprint=request.fingerprint,
        extension="png",
    )


def _build_lineage(request: ImageRequest) -> LineageRecord:
    return LineageRecord(
        product_id=request.product_id,
        shot=request.shot,
        object_key=_key_of(request),
        content_type="image/png",
        width_px=1024,
        height_px=1024,
        size_bytes=1_000_000,
        sha256=request.fingerprint,
        type=request.type,
        prompt_object=request.prompt_object,
        model=request.model,
        take=request.take,
        shot_version=request.shot_version,
        uuid=str(uuid4()),
        request_fingerprint=request.fingerprint,
        attempts=1,
        possibly_paid_twice=0,
        latency_seconds=30.0,
        cost_usd_estimate=0.07,
        run_id="filled",
        generated_at=_MADE_AT,
        mode="live",
        warnings=(),
        pixels_digest=request.fingerprint[:32],
    )


if __name__ == "__main__":
    main()
