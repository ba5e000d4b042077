"""Of a manifest, only those rows are looked at that can be doubtful: all of those."""

from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.manifest.doubtful import LookedAt, find_doubtful, read_looked_at
from flux_assets.manifest.rows import build_manifest_rows
from flux_assets.manifest.stored import StoredManifest
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.frames import read_rows
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.records import make_lineage, make_request

_STORE = DirectoryStore(Path("nowhere"))
# Some begin alike, some are none that we wrote.
_CHECKSUMS = ("a" * 64, "a" * 63 + "b", "b" * 64, "a" * 16, "a", "ü" * 64, "")
_DIGESTS = ("c" * 64, "c" * 63 + "d", "d" * 64, "c" * 16, "c", "")
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sha256": st.sampled_from(_CHECKSUMS),
            "pixels_digest": st.sampled_from(_DIGESTS),
            "appearance": st.sampled_from(["", "", "black"]),
            "stale": st.booleans(),
        }
    ),
    max_size=8,
)


@settings(deadline=None)
@given(facts=_ROWS)
def test_what_is_doubtful_of_all_rows_is_so_of_those_that_are_looked_at(
    facts: list[dict[str, object]],
) -> None:
    requests = [make_request(f"{number:03}") for number in range(len(facts))]
    table = build_manifest_rows(map(make_lineage, requests), _STORE)
    for name in ("sha256", "pixels_digest", "appearance", "stale"):
        table[name] = pd.Series([row[name] for row in facts], dtype=table[name].dtype)
    manifest = StoredManifest(StoredTable(write_parquet(table)), "manifest", "")
    current = table[~table["stale"]]
    every = [LookedAt(*row) for row in read_rows(current, LookedAt._fields)]
    assert [*find_doubtful(read_looked_at(manifest))] == [*find_doubtful(every)]
