"""A manifest compared by columns is the one that looking at each row by itself gives."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.rows import COMPARED, compare_manifest
from flux_assets.storage.frames import pack
from flux_assets_tests.fixtures.records import ask

_IDS, _SHOTS = ("1", "10", "Ä b"), ("hero", "wide")
_PRINTS = [digit * 64 for digit in "abcdef"]
_REQUESTS = st.lists(
    st.builds(
        RequestIdentity,
        st.sampled_from(_IDS),
        st.sampled_from(_SHOTS),
        st.sampled_from([*_PRINTS, ""]),
    ),
    unique_by=(lambda it: (it.product_id, it.shot), lambda it: it.fingerprint or object()),
)
_STALE = st.lists(st.booleans(), min_size=6, max_size=6)


@settings(deadline=None)
@given(
    shown=_REQUESTS,
    stale=_STALE,
    requests=_REQUESTS,
    changed=st.sets(st.sampled_from(_PRINTS)),
    is_packed=st.booleans(),
    renamed=_STALE,
)
def test_each_row_is_held_against_the_request_of_its_product_and_shot(
    *,
    shown: list[RequestIdentity],
    stale: list[bool],
    requests: list[RequestIdentity],
    changed: set[str],
    is_packed: bool,
    renamed: list[bool],
) -> None:
    shown = [it for it in shown if it.fingerprint]
    last = pd.DataFrame(
        [(*it, was) for it, was in zip(shown, stale, strict=False)], columns=list(COMPARED)
    ).astype(dict.fromkeys(COMPARED[:3], "str") | {"stale": "bool"})
    asked = pack(ask(*requests)) if is_packed else ask(*requests)

    differing = np.array(renamed[: len(shown)], bool)

    found = compare_manifest(last, asked, changed, differing=differing)

    by_owner = {it[:2]: it.fingerprint for it in requests}
    kept = [
        (*row[:2], place, by_owner[row[:2]], by_owner[row[:2]] != row[2] or row[2] in changed)
        for place, row in enumerate(shown)
        if row[:2] in by_owner
    ]
    current = {row[:2] for row in kept if not row[4]}
    names = ["product_id", "shot", "row", "fingerprint", "stale"]
    assert list(found.kept[names].itertuples(index=False, name=None)) == kept
    assert found.row_count == len(shown)
    assert found.unknown == [it for it in requests if it.fingerprint and it[:2] not in current]
    differs = [row[4] != stale[row[2]] or renamed[row[2]] for row in kept]
    assert found.kept["differs"].tolist() == differs
    assert found.is_same == (len(kept) == len(shown) and not any(differs))
