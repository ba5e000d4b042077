"""Listing an S3 bucket whose folders go on for many pages: every key once, however they lie."""

from bisect import bisect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flux_assets.storage.s3 import S3Store
from flux_assets.storage.s3_listing import find_between, list_objects
from flux_assets_tests.fixtures.stores import new_bucket

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client

TEXT = "text/plain"
KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=6)


class Pages:
    """Lets S3 answer LIST in pages of a few keys, and notes what it was asked for."""

    def __init__(self, client: "S3Client", size: int) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.hides = ""
        self._size = size
        self._events = client.meta.events
        self._events.register("before-parameter-build.s3.ListObjectsV2", self._cut)
        self._events.register("before-send.s3.ListObjectsV2", self._note)

    def close(self) -> None:
        self._events.unregister("before-parameter-build.s3.ListObjectsV2", self._cut)
        self._events.unregister("before-send.s3.ListObjectsV2", self._note)

    def _cut(self, params: dict[str, Any], **_: object) -> None:
        params.setdefault("MaxKeys", self._size)
        params.pop(self.hides, None)

    def _note(self, request: "AWSPreparedRequest", **_: object) -> None:
        self.asked.append(parse_qs(urlsplit(request.url).query))


@pytest.fixture
def pages(s3_client: "S3Client") -> Iterator[Pages]:
    found = Pages(s3_client, 3)
    yield found
    found.close()


@pytest.fixture
def store(s3_client: "S3Client") -> S3Store:
    return S3Store(s3_client, bucket=new_bucket(s3_client), prefix="some/prefix")


def fill(store: S3Store, keys: "set[str]") -> None:
    for key in keys:
        store.put(key, b"1", content_type=TEXT)


SPREADS = {
    "numbered": {f"images/hero/{number:05}/a.png" for number in range(0, 4_000, 100)},
    "alike": {f"images/hero/shirt-of-wool-{number:02}/a.png" for number in range(40)},
    "few long, many short": {f"images/hero/{'a' * 150}{number}" for number in range(30)} | {"z"},
    "unlike": {f"images/hero/{chr(33 + number)}%20{number * 7919 % 97}" for number in range(30)},
    "not ASCII": {f"images/hero/ä{number}é/ö" for number in range(30)},
    "without folders": {f"images-{number:02}" for number in range(40)},
}


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    "s3_client", [pytest.param("moto", marks=pytest.mark.slow), "ministack"], indirect=True
)
@pytest.mark.parametrize(
    "spread",
    [
        "numbered",
        "unlike",
        "without folders",
        *(
            pytest.param(spread, marks=pytest.mark.slow)
            for spread in ("alike", "few long, many short", "not ASCII")
        ),
    ],
)
def test_every_key_is_listed_once(store: S3Store, spread: str) -> None:
    keys = SPREADS[spread]
    fill(store, keys)
    for prefix in ("", "images/", "images/hero/", "imag"):
        expected = sorted(key for key in keys if key.startswith(prefix))
        assert sorted(store.list_keys(prefix)) == expected
    assert sorted(info.key for info in store.list("")) == sorted(keys)


def test_a_long_folder_is_halved(store: S3Store, pages: Pages) -> None:
    fill(store, SPREADS["numbered"])
    pages.asked.clear()
    assert len(list(store.list_keys("images/hero/"))) == 40
    starts = {it["start-after"][0] for it in pages.asked if "start-after" in it}
    assert len(starts) > 1


class ManyKeys:
    """Answers LIST as S3 does, of more keys than its stand-ins answer for in a test's time."""

    def __init__(self, keys: list[str]) -> None:
        self.requests = 0
        self._keys = sorted(keys)

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3 takes it
        self.requests += 1
        prefix, count = asked["Prefix"], asked.get("MaxKeys", 1000)
        if "Delimiter" in asked:
            folders = sorted({key[: key.index("/", len(prefix)) + 1] for key in self._keys})
            return {"IsTruncated": False, "CommonPrefixes": [{"Prefix": it} for it in folders]}
        after = asked.get("ContinuationToken") or asked.get("StartAfter") or prefix
        start, end = bisect(self._keys, after), bisect(self._keys, f"{prefix}~")
        found = [{"Key": key} for key in self._keys[start : min(start + count, end)]]
        if start + count >= end:
            return {"IsTruncated": False, "Contents": found}
        token = found[-1]["Key"]
        return {"IsTruncated": True, "Contents": found, "NextContinuationToken": token}


@pytest.mark.parametrize("form", ["P-{:06}", "{}", "{:x}-lamp"])
@pytest.mark.parametrize(("products", "most"), [(20_000, 200), (40_000, 320)])
def test_many_products_take_few_more_requests_than_they_have_pages(
    form: str, products: int, most: int
) -> None:
    ids = [form.format(number) for number in range(products)]
    keys = [f"images/{shot}/{it}/{'f' * 32}.png" for it in ids for shot in ("hero", "wide", "room")]
    client = ManyKeys(keys)
    listed = list_objects(cast("S3Client", client), "bucket", "images/")
    assert sorted(it["Key"] for objects in listed for it in objects) == sorted(keys)
    assert client.requests < most  # of which three pages for each 1,000 products


def test_a_store_that_heeds_no_start_is_listed_one_page_after_the_other(
    store: S3Store, pages: Pages
) -> None:
    fill(store, SPREADS["numbered"])
    pages.hides = "StartAfter"
    assert sorted(store.list_keys("images/")) == sorted(SPREADS["numbered"])


@pytest.mark.usefixtures("pages")
def test_a_neighbour_of_the_prefix_is_not_listed(store: S3Store) -> None:
    fill(store, SPREADS["numbered"] | {"images/hero-of-others/1", "images/hera/1", "images/hero"})
    assert sorted(store.list_keys("images/hero/")) == sorted(SPREADS["numbered"])


@given(KEYS, KEYS, KEYS)
def test_what_lies_between_two_keys_is_after_the_one_and_before_the_other(
    prefix: str, low: str, high: str
) -> None:
    after, until = sorted((prefix + low, prefix + high))
    assume(after != until)
    for end in (until, ""):
        middle = find_between(after, end, prefix)
        assert not middle or after < middle
        assert not middle or not end or middle < end
        assert middle.startswith(prefix) or not middle


def test_halving_comes_to_the_place_where_keys_are_in_few_steps() -> None:
    prefix, only = "images/hero/", "images/hero/shirt-000123/a.png"
    until, steps = "", 0
    while until != only and (middle := find_between("images/hero/!", until, prefix)) > only:
        until, steps = middle, steps + 1
    assert steps < 10
