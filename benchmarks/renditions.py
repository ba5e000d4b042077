"""Renditions: CPU time a master beside a bare Pillow loop, memory of a shard, a no-change run.

Masters are pictures of 1 megapixel, with the shipped profiles of the shot `hero`. The bare loop
reads a file, decodes it, makes the same files with Pillow, writes them, and opens each again, as
its border is measured on what the public gets. A run without change compares the manifest with the
table of renditions; its floor is to read both with pyarrow.
"""

import hashlib
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
from PIL import Image

from figures import ROUNDS, Figure, at_most, median_of_rounds, run_alone
from flux_assets.manifest.rows import COLUMNS as MANIFEST_COLUMNS
from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import ChannelsFile, read_channels
from flux_assets.publishing.mark import build_packet
from flux_assets.publishing.profile import GENERATED, Recipe, digest_profile, resolve
from flux_assets.publishing.rendition_table import COLUMNS, Master, find_missing
from flux_assets.publishing.renditions import make_renditions
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from processes import run_measured
from scratch import make_scratch_folder
from shops import PROJECT

_SIDE_PX = 1024
_CHANNELS = PROJECT / "data" / "channels.yaml"
FIVE = """
profiles:
  a: {width_px: 1500, height_px: 1500}
  b: {width_px: 1024, height_px: 1024, fit: cover}
  c: {width_px: 1600, height_px: 1600, quality: 85}
  d: {width_px: 1600, height_px: 1600, format: webp}
channels:
  shop: {feed: {format: jsonl}, slots: {main: {shots: [hero], profile: a, also: [b, c, d]}}}
"""
_SHARD = """
import json, sys
from pathlib import Path
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.rendition_table import Master
from flux_assets.publishing.renditions import make_renditions
from flux_assets.storage.directory import DirectoryStore
folder, channels, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
masters = [Master._make(row) for row in json.loads((folder / "masters.json").read_text())]
made, report = make_renditions(
    DirectoryStore(folder), masters[:count], read_channels(channels.read_bytes(), "channels"), 2
)
assert report.masters == count and not report.problems
"""


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Milliseconds a master, mebibytes of a shard, and seconds without change."""
    return [*_measure_cpu(quick), *_measure_memory(quick), *_measure_no_change(quick)]


def _measure_cpu(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    count, rounds = (2, 1) if quick else (40, ROUNDS)
    channels = read_channels(_CHANNELS.read_bytes(), _CHANNELS.name)
    folders = iter([make_scratch_folder() for _ in range(rounds + 2)])
    masters = _store_masters(bare := next(folders), channels, count)

    def ours() -> float:
        folder = next(folders)
        own = _store_masters(folder, channels, count)
        return _cpu_seconds(lambda: make_renditions(DirectoryStore(folder), own, channels, 1))

    ours()  # what is loaded once a process is no master's
    floor, taken = median_of_rounds(
        rounds, lambda: _cpu_seconds(lambda: _render_bare(bare, masters, channels)), ours
    )
    return [
        Figure(
            name="CPU a master, all renditions of the shipped profiles, beside a bare Pillow loop",
            unit="ms",
            ours=taken / count * 1000,
            peer=floor / count * 1000,
            target=at_most(1.25),
        )
    ]


def _render_bare(folder: Path, masters: Sequence[Master], channels: ChannelsFile) -> None:
    packet = build_packet(GENERATED)
    for master in masters:
        data = (folder / master.object_key).read_bytes()
        with Image.open(io.BytesIO(data)) as opened:
            image = opened.convert("RGB")
        recipes = {resolve(channels.profiles[name], *image.size) for name in master.profiles}
        for recipe in recipes:
            made = _encode(image, recipe, packet)
            (folder / "made").write_bytes(made)
            with Image.open(io.BytesIO(made)) as again:
                again.load()


def _encode(image: Image.Image, recipe: Recipe, packet: bytes) -> bytes:
    sized = image
    if recipe.size != image.size:
        sized = image.resize(recipe.size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    if recipe.format == "webp":
        sized.save(buffer, "WEBP", quality=recipe.quality, method=2, xmp=packet)
    else:
        sized.save(buffer, "JPEG", quality=recipe.quality, subsampling=recipe.chroma, xmp=packet)
    return buffer.getvalue()


def _measure_memory(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """A shard of many masters beside one of few, each a process of its own with two threads."""
    few, many = (2, 4) if quick else (50, 500)
    peaks = []
    for count in (few, many):
        folder = make_scratch_folder()
        channels = read_channels(_CHANNELS.read_bytes(), _CHANNELS.name)
        masters = _store_masters(folder, channels, count)
        (folder / "masters.json").write_text(json.dumps(masters))
        command = [sys.executable, "-c", _SHARD, str(folder), str(_CHANNELS), str(count)]
        peaks.append(run_measured(command, folder=folder).peak_bytes / 2**20)
    return [
        Figure(
            name=f"peak memory of a shard of {many} masters, beside one of {few}",
            unit="MiB",
            ours=peaks[1],
            peer=peaks[0],
            target=at_most(1.25),
        )
    ]


def _measure_no_change(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    count, rounds = (300, 1) if quick else (300_000, ROUNDS)
    channels = read_channels(FIVE.encode(), "channels.yaml")
    manifest, table = build_tables(count, channels)
    kept = StoredManifest(manifest, "manifest", "etag")

    def ours() -> float:
        return _cpu_seconds(lambda: _expect_nothing(find_missing(kept, table, channels)))

    def floor() -> float:
        return _cpu_seconds(lambda: _read_all(manifest, table))

    least, taken = median_of_rounds(rounds, floor, ours)
    return [
        Figure(
            name=f"CPU time of finding that nothing is new, {count:,} pictures x 5 renditions",
            unit="s",
            ours=taken,
            peer=least,
            target=at_most(2),
        )
    ]


def _store_masters(folder: Path, channels: ChannelsFile, count: int) -> list[Master]:
    """Pictures with a photo's grain, of which each has bytes of its own."""
    store = DirectoryStore(folder)
    random = np.random.default_rng(1)
    profiles = tuple(profile.name for profile in channels.profiles_of("hero"))
    masters = []
    for number in range(count):
        blobs = Image.fromarray((random.random((48, 48, 3)) * 240).astype(np.uint8))
        image = np.asarray(blobs.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BICUBIC), np.uint8)
        grain = (random.random(image.shape) * 12).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(np.minimum(image, 243) + grain).save(buffer, "PNG", compress_level=1)
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        key = f"images/hero/{number}/{sha256[:32]}.png"
        store.put(key, buffer.getvalue(), content_type="image/png")
        masters.append(Master(str(number), "hero", sha256, sha256, key, GENERATED, profiles))
    return masters


def build_tables(count: int, channels: ChannelsFile) -> tuple[StoredTable, StoredTable]:
    """A manifest, and the table that all of its renditions are in."""
    import pandas as pd  # noqa: PLC0415 - no other subject needs it

    blanks = {"str": "x", "int64": 1, "float64": 0.5, "bool": False}
    ids = [f"{number:08}" for number in range(count)]
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in ids]
    manifest = pd.DataFrame(
        {
            **{name: [blanks[kind]] * count for name, kind in MANIFEST_COLUMNS.items()},
            "product_id": ids,
            "shot": ["hero"] * count,
            "sha256": digests,
            "request_fingerprint": digests,
            "digital_source_type": [GENERATED] * count,
            "object_key": [f"images/hero/{name}/{name}.png" for name in digests],
        }
    )
    profiles = channels.profiles_of("hero")
    names = [profile.name for profile in profiles] * count
    made_by = [digest_profile(profile, GENERATED) for profile in profiles] * count
    of = np.repeat(np.arange(count), len(profiles))
    each = [digests[place] for place in of]
    table = pd.DataFrame(
        {
            **{name: [blanks[kind]] * len(of) for name, kind in COLUMNS.items()},
            "product_id": [ids[place] for place in of],
            "shot": ["hero"] * len(of),
            "profile": names,
            "profile_digest": made_by,
            "master_sha256": each,
            "object_key": [f"publishing/renditions/{it}/hero/{it}.jpg" for it in each],
            "sha256": [it[::-1] for it in each],
        }
    )
    return (
        StoredTable(write_parquet(manifest.astype(dict(MANIFEST_COLUMNS)))),
        StoredTable(write_parquet(table.astype(dict(COLUMNS)))),
    )


def _read_all(*tables: StoredTable) -> None:
    for table in tables:
        pq.read_table(pa.BufferReader(table.data))


def _expect_nothing(missing: Sequence[Master]) -> None:
    if missing:
        sys.exit(f"{len(missing)} pictures lack renditions, where none should")


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    run_alone(measure, __doc__)
