import pytest

from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.storage.probe import probe_store, prove_store
from flux_assets.storage.s3 import S3Store
from flux_assets_tests.fixtures.odd_s3 import OddS3

TEXT = "text/plain"
FORMS = {"weak": "W/{}", "strong": "{}"}


def unquoted(etag: str) -> str:
    return etag.strip('"')


@pytest.mark.parametrize("takes", ["any", "quoted", "plain"])
@pytest.mark.parametrize("form", ["{}", "W/{}"])
def test_a_condition_holds_whichever_form_of_an_etag_the_store_takes(
    odd_s3: OddS3, odd_store: S3Store, form: str, takes: str
) -> None:
    odd_s3.etag_form, odd_s3.takes = form, takes  # type: ignore[assignment]
    first = odd_store.put("a", b"1", content_type=TEXT, if_absent=True)
    assert not set('"/') & set(first)
    assert odd_store.get("a").info.etag == odd_store.head("a").etag == first
    assert [info.etag for info in odd_store.list("")] == [first]

    second = odd_store.put("a", b"22", content_type=TEXT, if_match=first)

    with pytest.raises(ConditionFailedError):
        odd_store.put("a", b"333", content_type=TEXT, if_match=first)
    with pytest.raises(ConditionFailedError):
        odd_store.put("a", b"333", content_type=TEXT, if_absent=True)
    odd_store.put("a", bytes(9 * 2**20), content_type=TEXT, if_match=second)
    with pytest.raises(ConditionFailedError):
        odd_store.put("a", bytes(9 * 2**20), content_type=TEXT, if_match=second)
    assert odd_store.head("a").size_bytes == 9 * 2**20
    prove_store(odd_store, "run-1")
    assert [probe.problem for probe in probe_store(odd_store, "check-1")] == [""] * 5


def test_an_etag_without_quotes_is_taken_as_it_is(
    odd_s3: OddS3, odd_store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = odd_s3.edit

    def strip(headers: list[tuple[str, str]], data: bytes) -> tuple[list[tuple[str, str]], bytes]:
        headers, data = edit(headers, data)
        return [(name, unquoted(value)) for name, value in headers], data

    monkeypatch.setattr(odd_s3, "edit", strip)
    etag = odd_store.put("a", b"1", content_type=TEXT)
    assert odd_store.put("a", b"2", content_type=TEXT, if_match=etag) != etag


@pytest.mark.parametrize("missing", ["Content-Type", "content-type"])
def test_an_object_without_a_content_type_can_be_read(
    odd_s3: OddS3, odd_store: S3Store, missing: str
) -> None:
    odd_store.put("a", b"1", content_type=TEXT, metadata={"seed": "1"})
    odd_s3.left_out = (missing, "Content-Type", "content-type")
    found = odd_store.get("a")
    assert (found.data, found.content_type) == (b"1", "binary/octet-stream")


@pytest.mark.parametrize(
    ("missing", "told"), [("ETag", "no ETag"), ("Last-Modified", "no Last-Modified")]
)
def test_a_reply_without_what_a_claim_stands_on_is_named(
    odd_s3: OddS3, odd_store: S3Store, missing: str, told: str
) -> None:
    odd_store.put("a", b"1", content_type=TEXT)
    odd_s3.left_out = (missing, missing.lower())
    for look in (odd_store.get, odd_store.head):
        with pytest.raises(StoreError, match=rf"could not read .*{told}.*FLUX_ASSETS_STORE[^\n]*$"):
            look("a")


def test_a_write_without_an_etag_in_its_reply_is_named(odd_s3: OddS3, odd_store: S3Store) -> None:
    odd_s3.left_out = ("ETag", "etag")
    with pytest.raises(StoreError, match=r"could not write .*no ETag.*FLUX_ASSETS_STORE"):
        odd_store.put("a", b"1", content_type=TEXT, if_absent=True)


@pytest.mark.parametrize("missing", ["IsTruncated", "ETag", "Owner", "KeyCount", "MaxKeys"])
def test_a_list_without_what_is_not_needed_is_whole(
    odd_s3: OddS3, odd_store: S3Store, missing: str
) -> None:
    keys = {f"a/{number}" for number in range(3)} | {"b"}
    for key in keys:
        odd_store.put(key, b"1", content_type=TEXT)
    odd_s3.left_out = (missing,)
    assert {info.key for info in odd_store.list("")} == keys
    assert set(odd_store.list_keys("")) == keys


@pytest.mark.parametrize("missing", [(), ("IsTruncated",)])
def test_a_list_of_several_pages_is_whole_whether_or_not_it_says_so(
    odd_s3: OddS3, odd_store: S3Store, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    keys = {f"{number}" for number in range(5)}
    for key in keys:
        odd_store.put(key, b"1", content_type=TEXT)
    odd_s3.left_out = missing
    ask = odd_store._client.list_objects_v2
    monkeypatch.setattr(
        odd_store._client, "list_objects_v2", lambda **asked: ask(**{"MaxKeys": 2} | asked)
    )
    assert set(odd_store.list_keys("")) == keys


def test_a_list_that_is_cut_off_is_never_taken_for_whole(
    odd_s3: OddS3, odd_store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        odd_store.put(f"{number}", b"1", content_type=TEXT)
    odd_s3.left_out = ("NextContinuationToken",)
    ask = odd_store._client.list_objects_v2
    monkeypatch.setattr(
        odd_store._client, "list_objects_v2", lambda **asked: ask(**{"MaxKeys": 2} | asked)
    )
    with pytest.raises(StoreError, match="cut off and does not say where it goes on"):
        list(odd_store.list_keys(""))
