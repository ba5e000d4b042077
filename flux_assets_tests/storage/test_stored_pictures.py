"""A directory that is asked for certain pictures tells all that a plan is made of."""

import random
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.image_api.request import RequestIdentity
from flux_assets.planning.plan import Plan, build_plan
from flux_assets.storage import stored_pictures
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import picture_key
from flux_assets.storage.stored_pictures import AskedPictures, StoredPictures, list_pictures
from flux_assets_tests.fixtures.records import LIMITS, ask

_IDS = ("1", "1 a/ü", "x" * 300, "-_-", "old", "older", "gone", "a.b")
_SHOTS = ("hero", "wide", "dropped")
_PRINTS = [digit * 64 for digit in "0123456789abcdef"]
_Former = dict[str, tuple[str, ...]]
_FORMER: list[_Former] = [
    {},
    {"1": ("old",)},
    {"1 a/ü": ("old", "older"), "1": ("gone",)},
]


def _put(root: Path, key: str) -> None:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def _asked(requests: list[RequestIdentity], former: _Former) -> AskedPictures:
    columns = zip(*requests, strict=True) if requests else ((), (), ())
    product_ids, shots, fingerprints = (pa.array(it, pa.large_string()) for it in columns)
    return AskedPictures(
        product_ids,
        shots,
        fingerprints,
        not_alone={former_id for ids in former.values() for former_id in ids},
    )


def _plan(pictures: StoredPictures, requests: list[RequestIdentity], former: _Former) -> Plan:
    return build_plan(
        ask(*requests),
        pictures=pictures,
        read_entries=lambda _: {},
        limits=LIMITS,
        standing_of=lambda _: "buy",
        former_ids=former,
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_plan_is_the_one_of_the_whole_listing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a die for a test
    owners = dice.sample([(it, shot) for it in _IDS[:6] for shot in _SHOTS[:2]], dice.randint(0, 9))
    prints = dice.sample(_PRINTS, len(owners))
    requests = [RequestIdentity(*owner, it) for owner, it in zip(owners, prints, strict=True)]
    former = dice.choice(_FORMER)
    for request in dice.sample(requests, len(requests) * 2 // 3):
        # Where it was bought: under its own id, or a former one, another product's now maybe.
        owner = dice.choice([request.product_id, *former.get(request.product_id, ())])
        extension = dice.choice(["png", "jpg", "webp"])
        _put(
            tmp_path,
            picture_key(**request._replace(product_id=owner)._asdict(), extension=extension),
        )
    for _ in range(dice.randint(0, 9)):
        other = RequestIdentity(
            dice.choice(_IDS), dice.choice(_SHOTS), f"{dice.randrange(2**128):032x}{'0' * 32}"
        )
        _put(tmp_path, picture_key(**other._asdict(), extension="png"))
    _put(tmp_path, "images/hero/1/notes.txt")
    store = DirectoryStore(tmp_path)

    of_asked = _plan(list_pictures(store, asked=_asked(requests, former)), requests, former)

    whole = _plan(list_pictures(store), requests, former)
    assert of_asked.rows == whole.rows
    assert of_asked.orphaned == whole.orphaned


CHAIR = RequestIdentity("1 a/ü", "hero", "c" * 64)
OF_CHAIR = picture_key(**CHAIR._asdict(), extension="jpg")
BEFORE = OF_CHAIR.replace("c" * 32, "b" * 32)


def _list(store: DirectoryStore, *requests: RequestIdentity) -> list[str]:
    return sorted(list_pictures(store, asked=_asked([*requests], {})).keys.to_pylist())


def test_where_the_picture_is_nobody_looks_for_its_predecessors(tmp_path: Path) -> None:
    _put(tmp_path, BEFORE)
    store = DirectoryStore(tmp_path)
    assert _list(store, CHAIR) == [BEFORE]
    _put(tmp_path, OF_CHAIR)
    assert _list(store, CHAIR) == [OF_CHAIR]


@pytest.mark.parametrize("odd", ["link", "folder", "linked folder"])
def test_what_only_has_a_pictures_name_is_no_picture(tmp_path: Path, odd: str) -> None:
    root, outside = tmp_path / "store", tmp_path / "outside"
    _put(outside, OF_CHAIR)
    place = root / OF_CHAIR
    if odd == "link":
        place.parent.mkdir(parents=True)
        place.symlink_to(outside / OF_CHAIR)
    elif odd == "folder":
        place.mkdir(parents=True)
    else:
        place.parents[1].mkdir(parents=True)
        place.parent.symlink_to((outside / OF_CHAIR).parent)
    assert _list(DirectoryStore(root), CHAIR) == []


def test_of_two_that_share_a_folder_both_are_found(tmp_path: Path) -> None:
    twin = CHAIR._replace(fingerprint="b" * 64)
    _put(tmp_path, BEFORE)
    _put(tmp_path, OF_CHAIR)
    assert _list(DirectoryStore(tmp_path), CHAIR, twin) == [BEFORE, OF_CHAIR]


_KEYS = st.builds(
    picture_key,
    product_id=st.sampled_from(_IDS[:4]),
    shot=st.sampled_from(_SHOTS),
    fingerprint=st.sampled_from(_PRINTS[:6]),
    extension=st.sampled_from(["png", "jpg"]),
)


@settings(deadline=None)
@given(
    keys=st.lists(_KEYS, unique=True, max_size=12),
    asked=st.lists(st.sampled_from(_PRINTS[:6]), unique=True),
    many=st.integers(1, 9),
)
def test_where_others_pictures_alone_lie_is_told_of_each_folder(
    keys: list[str], asked: list[str], many: int
) -> None:
    pictures = StoredPictures.of(keys)
    fingerprints = pa.array(asked, pa.large_string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_pictures, "_CUT_KEYS", many)
        found = pictures.find_others(fingerprints, pictures.find(fingerprints)).to_pylist()

    folders: dict[bool, set[str]] = {True: set(), False: set()}
    for key in keys:
        folder, _, name = key.rpartition("/")
        folders[any(it.startswith(name[:32]) for it in asked)].add(f"{folder}/")
    assert len(found) == len(set(found))
    assert set(found) == folders[False] - folders[True]
