"""Publishing at 300,000 products: the first merge of the table of renditions, and an edition.

The merge is that of the first run: the rows of five renditions a picture come from shards of 500
pictures, and each row has an address and bytes of its own. The edition has one picture a product,
with its feed as Google's TSV and as JSON Lines; then a product is gone, and then nothing is new.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from figures import Figure, at_most, run_alone
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.publishing.channels import read_channels
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import write_parquet
from processes import Finished, run_measured
from renditions import FIVE, build_tables
from scratch import make_scratch_folder

_SHARD_ROWS = 2_500
_GIB = 1024.0
_CONTENT_TYPE = "application/vnd.apache.parquet"
_STORE = """
import sys
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
from editions import store_shards
store_shards(Path(sys.argv[1]), int(sys.argv[2]))
"""
_MERGE = """
import sys, time
from pathlib import Path
from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.rendition_table import merge_renditions
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import read_parquet
store, count = DirectoryStore(Path(sys.argv[1])), int(sys.argv[2])
channels = read_channels(store.get("channels.yaml").data, "channels.yaml")
shards = (read_parquet(store.get(f"runs/{number}.parquet").data) for number in range(count))
began = time.process_time()
print(merge_renditions(store, open_manifest(store), channels, shards).row_count)
print(time.process_time() - began)
"""
_EDITION = """
import hashlib, sys, time
from pathlib import Path
from flux_assets.publishing.channels import Slot
from flux_assets.publishing.edition import FeedForm, Offer, Picture
from flux_assets.publishing.edition_plan import CurrentProduct
from flux_assets.publishing.judges import Judgement
from flux_assets.publishing.publish import Publication, publish
from flux_assets.storage.directory import DirectoryStore
store = DirectoryStore(Path(sys.argv[1]))
publication = Publication(
    channel="google", slots=[Slot(name="main", shots=("hero",), profile="a")],
    policy="all_but_rejected", judge=lambda *_: Judgement(), by="ada", why="bench",
    form=FeedForm(formats=("google_tsv", "jsonl"), public_url="https://pictures.invalid"),
)
def build(number):
    name = hashlib.sha256(str(number).encode()).hexdigest()
    picture = Picture(
        shot="hero", fingerprint=name, master_sha256=name[::-1], rendition_id=name[:32],
        object_key=f"publishing/renditions/{number}/hero/{name[:32]}.jpg", sha256=name,
        width_px=1024, height_px=1024, mark="trainedAlgorithmicMedia",
    )
    return CurrentProduct(
        product_id=f"{number:08}", offers=(Offer(offer_id=f"{number:08}"),),
        pictures={("main", "hero"): picture},
    )
products = [build(number) for number in range(int(sys.argv[2]))]
for shown in (products, products[1:], products[1:]):
    began = time.process_time()
    publish(store, publication, shown)
    print(time.process_time() - began)
print(store.head("publishing/feeds/google/editions/000001.parquet").size_bytes)
"""


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Mebibytes and CPU seconds of the first merge, and of an edition."""
    count = 300 if quick else 300_000
    merge = _run_merge(count)
    seconds = float(merge.stdout.splitlines()[1])
    what = f"the first merge of {5 * count:,} renditions"
    edition = _run(_EDITION, make_scratch_folder(), count)
    first, without_one, again, size_bytes = map(float, edition.stdout.split())
    return [
        _beside_a_gib(f"peak memory of {what}", merge),
        Figure(name=f"CPU time of {what}", unit="s", ours=seconds),
        Figure(name=f"CPU time of an edition of {count:,} products", unit="s", ours=first),
        Figure(name="CPU time of the next, in which a product is gone", unit="s", ours=without_one),
        Figure(name=f"CPU time of none, of {count:,} as before", unit="s", ours=again),
        Figure(name=f"size of an edition of {count:,}", unit="MiB", ours=size_bytes / 2**20),
        _beside_a_gib(f"peak memory of an edition of {count:,}, its products held twice", edition),
    ]


def _run_merge(count: int) -> Finished:
    folder = make_scratch_folder()
    _run(_STORE.format(benchmarks=str(Path(__file__).parent)), folder, count)
    return _run(_MERGE, folder, -(-5 * count // _SHARD_ROWS))


def store_shards(folder: Path, count: int) -> None:
    """What the merge starts from; a process of its own, as it holds all of it."""
    store = DirectoryStore(folder)
    manifest, table = build_tables(count, read_channels(FIVE.encode(), "channels.yaml"))
    store.put(MANIFEST_KEY, manifest.data, content_type=_CONTENT_TYPE)
    store.put("channels.yaml", FIVE.encode(), content_type="application/yaml")
    rows = table.read()
    digests = [hashlib.sha256(f"{number}".encode()).hexdigest() for number in range(len(rows))]
    rows["sha256"] = digests
    rows["object_key"] = [f"publishing/renditions/{it[:8]}/hero/{it[:32]}.jpg" for it in digests]
    for number, start in enumerate(range(0, len(rows), _SHARD_ROWS)):
        shard = write_parquet(rows.iloc[start : start + _SHARD_ROWS])
        store.put(f"runs/{number}.parquet", shard, content_type=_CONTENT_TYPE)


def _run(script: str, folder: Path, count: int) -> Finished:
    command = [sys.executable, "-c", script, str(folder), str(count)]
    return run_measured(command, folder=folder)


def _beside_a_gib(name: str, finished: Finished) -> Figure:
    peak = finished.peak_bytes / 2**20
    return Figure(name=f"{name}, beside 1 GiB", unit="MiB", ours=peak, peer=_GIB, target=at_most(1))


if __name__ == "__main__":
    run_alone(measure, __doc__)
