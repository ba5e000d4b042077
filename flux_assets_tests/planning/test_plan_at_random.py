"""A plan by columns is the one that looking at each request by itself gives."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.bill.send_rules import Standing
from flux_assets.image_api.request import RequestIdentity
from flux_assets.planning.plan import build_plan
from flux_assets.planning.plan_table import PlanRow, PlanStatus
from flux_assets.storage.object_store import picture_key, picture_prefix
from flux_assets.storage.stored_pictures import StoredPictures
from flux_assets_tests.fixtures.records import LIMITS, ask, make_entry

_IDS = ("1", "1 a/ü", "old", "older")
_SHOTS = ("hero", "wide")
_PRINTS = tuple(digit * 64 for digit in "abcd")
_REQUESTS = st.lists(
    st.builds(
        RequestIdentity, st.sampled_from(_IDS), st.sampled_from(_SHOTS), st.sampled_from(_PRINTS)
    ),
    unique_by=(lambda it: (it.product_id, it.shot), lambda it: it.fingerprint),
)
_OTHER_KEYS = st.lists(
    st.builds(
        picture_key,
        product_id=st.sampled_from((*_IDS, "gone")),
        shot=st.sampled_from((*_SHOTS, "dropped")),
        fingerprint=st.sampled_from([digit * 64 for digit in "ef01"]),
        extension=st.just("png"),
    ),
    unique_by=lambda key: key.rpartition("/")[2],
)
_STANDINGS = st.dictionaries(
    st.sampled_from(_PRINTS), st.sampled_from(["buy", "stored", "refused", "held", "accepted"])
)
_FORMER = st.dictionaries(
    st.sampled_from(_IDS[:2]), st.sampled_from([("old",), ("old", "older"), ("never",)])
)
_DOUBTS = st.dictionaries(st.sampled_from(_PRINTS), st.just("its photo: a page"))


def _plan_one(
    request: RequestIdentity,
    keys: Mapping[str, str],
    prefixes: set[str],
    standings: Mapping[str, Standing],
    doubts: Mapping[str, str],
) -> PlanRow:
    """As DESIGN says it of one request."""
    key = keys.get(request.fingerprint[:32])
    if key is not None:
        return PlanRow(*request, "stored", key)
    status: PlanStatus = "changed" if prefixes else "new"
    reason = ""
    standing = standings.get(request.fingerprint)
    if standing is not None:
        reason = "because"
        if standing != "buy":
            status = "missing" if standing == "stored" else standing
    if request.fingerprint in doubts and status in {"new", "changed", "refused"}:
        status, reason = "held", doubts[request.fingerprint]
    return PlanRow(*request, status, reason=reason)


@settings(deadline=None)
@given(
    requests=_REQUESTS,
    stored=st.sets(st.sampled_from(_PRINTS)),
    other_keys=_OTHER_KEYS,
    standings=_STANDINGS,
    former_ids=_FORMER,
    doubts=_DOUBTS,
)
def test_a_plan_is_what_each_request_by_itself_comes_to(
    *,
    requests: list[RequestIdentity],
    stored: set[str],
    other_keys: list[str],
    standings: dict[str, Standing],
    former_ids: dict[str, tuple[str, ...]],
    doubts: dict[str, str],
) -> None:
    # Under the last id that a product had, which is its own where it has no other.
    own_keys = [
        picture_key(
            shot=it.shot,
            product_id=[it.product_id, *former_ids.get(it.product_id, ())][-1],
            fingerprint=it.fingerprint,
            extension="png",
        )
        for it in requests
        if it.fingerprint in stored
    ]
    listed = [*own_keys, *other_keys]
    keys = {key.rpartition("/")[2].partition(".")[0]: key for key in listed}
    with_pictures = {f"{key.rpartition('/')[0]}/" for key in listed}
    owners = {
        request: {
            picture_prefix(request.shot, product_id)
            for product_id in (request.product_id, *former_ids.get(request.product_id, ()))
        }
        for request in requests
    }
    plan = build_plan(
        ask(*requests),
        pictures=StoredPictures.of(listed),
        read_entries=lambda asked: {
            it: make_entry(it, "because") for it in asked if it in standings
        },
        limits=LIMITS,
        standing_of=lambda entry: standings[entry.fingerprint],
        former_ids=former_ids,
        doubts=doubts,
    )
    assert plan.rows == tuple(
        _plan_one(it, keys, owners[it] & with_pictures, standings, doubts) for it in requests
    )
    assert plan.orphaned == len(with_pictures.difference(*owners.values()))
