import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from flux_assets.errors import (
    ConditionFailedError,
    ObjectNotFoundError,
    StoreError,
    StorePermissionError,
)
from flux_assets.storage.s3 import S3Store
from flux_assets_tests.fixtures.stores import CannedS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGE = 9 * 1024 * 1024


def client_of(endpoint: str) -> "S3Client":
    """A client that tries once, does not wait, and has a key that ministack does not know."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=0.2)
    session = boto3.session.Session("unknown", "invented", region_name="us-east-1")
    return session.client("s3", endpoint_url=endpoint, config=config)


@pytest.fixture
def canned_store(canned_s3: CannedS3) -> Iterator[S3Store]:
    client = client_of(canned_s3.endpoint)
    yield S3Store(client, bucket="bucket", prefix="prefix")
    client.close()


def get(store: S3Store) -> object:
    return store.get("a")


def head(store: S3Store) -> object:
    return store.head("a")


def put(store: S3Store) -> object:
    return store.put("a", b"body", content_type="text/plain")


def change(store: S3Store) -> object:
    return store.put("a", b"body", content_type="text/plain", if_match="etag")


def delete(store: S3Store) -> None:
    store.delete(f"images/hero/1/{'f' * 32}.png")


def list_all(store: S3Store) -> object:
    return list(store.list(""))


# --- Errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "reply", "error", "problem"),
    [
        (get, (403, "AccessDenied"), StorePermissionError, "s3:ListBucket"),
        (head, (403, ""), StorePermissionError, "s3:ListBucket"),
        (put, (403, "AccessDenied"), StorePermissionError, "s3:PutObject"),
        (list_all, (403, "AccessDenied"), StorePermissionError, "s3:ListBucket"),
        (put, (400, "ExpiredToken"), StorePermissionError, "credentials"),
        (delete, (403, "AccessDenied"), StorePermissionError, "iam-policy-prune.json"),
        (delete, (404, "NoSuchBucket"), StoreError, "no bucket bucket; create it"),
        (get, (404, "NoSuchKey"), ObjectNotFoundError, "no such object"),
        (get, (404, "NoSuchBucket"), StoreError, "no bucket bucket; create it"),
        (put, (404, "NoSuchBucket"), StoreError, "no bucket bucket; create it"),
        (list_all, (404, "NoSuchBucket"), StoreError, "no bucket bucket; create it"),
        (change, (412, "PreconditionFailed"), ConditionFailedError, "PreconditionFailed"),
        (change, (409, "ConditionalRequestConflict"), ConditionFailedError, "Conflict"),
        (change, (404, "NoSuchKey"), ConditionFailedError, "NoSuchKey"),
        (change, (501, "NotImplemented"), StoreError, "NotImplemented"),
        (put, (503, "SlowDown"), StoreError, "SlowDown"),
        (list_all, (500, "InternalError"), StoreError, "InternalError"),
    ],
)
def test_every_refusal_has_its_error(  # noqa: PLR0917 # pytest passes them by name
    canned_s3: CannedS3,
    canned_store: S3Store,
    attempt: Callable[[S3Store], object],
    reply: tuple[int, str],
    error: type[StoreError],
    problem: str,
) -> None:
    canned_s3.fail(*reply)

    with pytest.raises(StoreError, match=problem) as caught:
        attempt(canned_store)

    assert type(caught.value) is error
    assert caught.value.uri.startswith("s3://bucket/prefix/")


WORM = "Object is WORM protected and cannot be overwritten"
LOCKED = "Access Denied because object protected by object lock."
NEEDS_MD5 = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests"
TRAILER = "The value specified in the x-amz-trailer header is not supported"
NO_HEADER = "A header you provided implies functionality that is not implemented"
KMS = "User is not authorized to perform: kms:GenerateDataKey on this resource"
RIGHTS = "Check the credentials and their policy"


@pytest.mark.parametrize(
    ("attempt", "reply", "advice"),
    [
        (get, (403, "RequestTimeTooSkewed"), "clock is too far from S3's: set it"),
        (put, (403, "RequestTimeTooSkewed"), "clock is too far from S3's: set it"),
        (get, (403, "InvalidObjectState"), "archive class such as Glacier: restore it"),
        (put, (403, "AccessDenied", LOCKED), "object lock keeps it from being changed"),
        (delete, (403, "AccessDenied", LOCKED), "object lock keeps it from being changed"),
        (change, (400, "InvalidRequest", WORM), "object lock keeps it from being changed"),
        (change, (403, "AccessDenied"), "an object lock of the bucket forbids this, too"),
        (delete, (403, "AccessDenied"), "an object lock of the bucket forbids this, too"),
        (put, (400, "InvalidRequest", NEEDS_MD5), "FLUX_ASSETS_S3_CHECKSUM=when_supported"),
        (put, (501, "NotImplemented", NO_HEADER), "FLUX_ASSETS_S3_CHECKSUM=when_required"),
        (put, (411, "MissingContentLength"), "FLUX_ASSETS_S3_CHECKSUM=when_required"),
        (put, (400, "InvalidRequest", TRAILER), "FLUX_ASSETS_S3_CHECKSUM=when_required"),
        (put, (400, "XAmzContentSHA256Mismatch"), "FLUX_ASSETS_S3_CHECKSUM=when_required"),
        (change, (501, "NotImplemented", "If-Match"), "does not know conditional writes"),
        (put, (403, "AccessDenied", KMS), "Allow kms:GenerateDataKey"),
        (put, (400, "KMS.DisabledException"), "Allow kms:GenerateDataKey"),
        (get, (403, "SignatureDoesNotMatch"), "Check AWS_SECRET_ACCESS_KEY"),
        (get, (403, "InvalidAccessKeyId"), "Check the credentials: AWS_ACCESS_KEY_ID"),
        (get, (400, "ExpiredToken"), "credentials have expired: renew them"),
        (get, (400, "AuthorizationHeaderMalformed"), "set AWS_REGION"),
        (put, (503, "SlowDown"), "lower FLUX_ASSETS_MAX_IN_FLIGHT"),
        (put, (507, "XMinioStorageFull"), "space is used up: make room"),
        (put, (403, "QuotaExceeded"), "space is used up: make room"),
        (put, (400, "InvalidStorageClass"), "Correct FLUX_ASSETS_S3_PUT_ARGS"),
    ],
)
def test_a_refusal_is_told_with_what_helps_against_its_cause_alone(
    canned_s3: CannedS3,
    canned_store: S3Store,
    attempt: Callable[[S3Store], object],
    reply: tuple[int, str] | tuple[int, str, str],
    advice: str,
) -> None:
    canned_s3.fail(*reply)

    with pytest.raises(StoreError) as caught:
        attempt(canned_store)

    told = str(caught.value)
    assert advice in told
    assert reply[1] in told
    assert (RIGHTS in told) == ("forbids this, too" in advice)
    assert "\n" not in told


def test_an_older_store_that_gets_no_new_checksums_is_not_advised_about_them(
    canned_s3: CannedS3,
) -> None:
    config = Config(request_checksum_calculation="when_required", retries={"total_max_attempts": 1})
    session = boto3.session.Session("unknown", "invented", region_name="us-east-1")
    client = session.client("s3", endpoint_url=canned_s3.endpoint, config=config)
    store = S3Store(client, bucket="bucket")
    canned_s3.fail(501, "NotImplemented", NO_HEADER)

    with pytest.raises(StoreError) as unconditional:
        put(store)
    with pytest.raises(StoreError, match="does not know conditional writes") as conditional:
        store.put("a", b"", content_type="text/plain", if_absent=True)

    client.close()
    for caught in (unconditional, conditional):
        assert "FLUX_ASSETS_S3_CHECKSUM" not in str(caught.value)


@pytest.mark.parametrize("attempt", [get, head, put, list_all, S3Store.now])
def test_a_store_that_does_not_answer_is_a_store_error(
    canned_s3: CannedS3, canned_store: S3Store, attempt: Callable[[S3Store], object]
) -> None:
    canned_s3.is_silent = True

    with pytest.raises(StoreError, match="timeout"):
        attempt(canned_store)


@pytest.mark.parametrize("attempt", [get, head, put, list_all, S3Store.now])
def test_a_store_that_is_not_there_is_a_store_error(
    attempt: Callable[[S3Store], object],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    client = client_of(endpoint)

    with pytest.raises(StoreError, match="Could not connect"):
        attempt(S3Store(client, bucket="bucket"))


def test_a_body_that_ends_early_is_a_store_error(
    canned_s3: CannedS3, canned_store: S3Store
) -> None:
    canned_s3.headers |= {"Content-Length": "9", "Last-Modified": canned_s3.headers["Date"]}
    canned_s3.body = b"short"

    with pytest.raises(StoreError, match="4 more expected"):
        canned_store.get("a")


def test_an_unknown_access_key_is_a_permission_error(
    ministack_endpoint: str, ministack_client: "S3Client"
) -> None:
    ministack_client.create_bucket(Bucket="guarded")
    client = client_of(ministack_endpoint)

    with pytest.raises(StorePermissionError, match="InvalidAccessKeyId"):
        put(S3Store(client, bucket="guarded"))

    client.close()


def test_metadata_that_s3_cannot_keep_is_a_store_error(canned_store: S3Store) -> None:
    with pytest.raises(StoreError, match="Größe"):
        canned_store.put("a", b"", content_type="text/plain", metadata={"title": "Größe"})


def test_a_store_that_answers_404_to_the_deletion_of_what_is_gone_is_content(
    canned_s3: CannedS3, canned_store: S3Store
) -> None:
    canned_s3.fail(404, "NoSuchKey")
    delete(canned_store)


# --- What is sent ----------------------------------------------------------------------------


def test_an_etag_is_without_quotes_here_and_on_the_wire(
    canned_s3: CannedS3, canned_store: S3Store
) -> None:
    etag = put(canned_store)
    canned_store.put("a", b"", content_type="text/plain", if_match=str(etag))

    assert etag == "canned"
    assert canned_s3.received[-1]["If-Match"] == "canned"


def test_the_clock_is_the_stores_own_even_in_an_error(
    canned_s3: CannedS3, canned_store: S3Store
) -> None:
    assert canned_store.now() == datetime(2030, 1, 1, tzinfo=UTC)

    canned_s3.fail(403, "AccessDenied")
    assert canned_store.now() == datetime(2030, 1, 1, tzinfo=UTC)


def test_a_store_without_a_clock_is_named(canned_s3: CannedS3, canned_store: S3Store) -> None:
    del canned_s3.headers["Date"]

    with pytest.raises(StoreError, match="no Date"):
        canned_store.now()


@pytest.mark.parametrize("size_bytes", [9, LARGE])
def test_every_put_carries_the_put_args(
    s3_client: "S3Client", s3_bucket: str, size_bytes: int
) -> None:
    put_args = {
        "StorageClass": "STANDARD_IA",
        "Metadata": {"origin": "flux"},
        "ExpectedBucketOwner": "0" * 12,
    }
    store = S3Store(s3_client, bucket=s3_bucket, put_args=put_args)

    store.put("a", bytes(size_bytes), content_type="image/png", metadata={"seed": "1"})

    found = s3_client.head_object(Bucket=s3_bucket, Key="a")
    assert found["StorageClass"] == "STANDARD_IA"
    assert found["Metadata"] == {"origin": "flux", "seed": "1"}
    assert found["ContentType"] == "image/png"


@pytest.mark.parametrize("size_bytes", [9, LARGE])
def test_every_put_carries_its_tags_and_its_key(moto_client: "S3Client", size_bytes: int) -> None:
    bucket = f"tags-{size_bytes}"  # not on ministack, which forgets the tags of large objects
    moto_client.create_bucket(Bucket=bucket)
    encryption = {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "arn:aws:kms:us-east-1:123456789012:key/1",
        "BucketKeyEnabled": True,
    }
    put_args = {"Tagging": "team=catalog", **encryption}
    store = S3Store(moto_client, bucket=bucket, put_args=put_args)
    sent: list[dict[str, str]] = []

    def record(params: dict[str, Any], **_: object) -> None:
        sent.append(params["headers"])

    moto_client.meta.events.register("before-call.s3", record)

    store.put("a", bytes(size_bytes), content_type="image/png")

    moto_client.meta.events.unregister("before-call.s3", record)
    tags = moto_client.get_object_tagging(Bucket=bucket, Key="a")["TagSet"]
    assert tags == [{"Key": "team", "Value": "catalog"}]
    found = moto_client.head_object(Bucket=bucket, Key="a")
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == encryption["SSEKMSKeyId"]
    # moto forgets this one of large objects.
    assert sent[0]["x-amz-server-side-encryption-bucket-key-enabled"] == "true"


def test_what_could_not_be_completed_leaves_no_parts(s3_client: "S3Client", s3_bucket: str) -> None:
    store = S3Store(s3_client, bucket=s3_bucket)
    put(store)

    with pytest.raises(ConditionFailedError):
        store.put("a", bytes(LARGE), content_type="image/png", if_absent=True)

    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)
    assert store.get("a").data == b"body"


def test_a_large_object_changes_only_what_it_was_read_from(ministack_client: "S3Client") -> None:
    ministack_client.create_bucket(Bucket="large")  # moto does not look at this condition
    store = S3Store(ministack_client, bucket="large")
    stale = put(store)
    etag = store.put("a", bytes(LARGE), content_type="image/png", if_match=str(stale))

    with pytest.raises(ConditionFailedError):
        store.put("a", bytes(LARGE + 1), content_type="image/png", if_match=str(stale))

    assert store.head("a").etag == etag
    assert store.head("a").size_bytes == LARGE


# --- Addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/", "some/prefix", "/some/prefix/"])
def test_keys_live_below_the_prefix(s3_client: "S3Client", s3_bucket: str, prefix: str) -> None:
    store = S3Store(s3_client, bucket=s3_bucket, prefix=prefix)
    put(store)

    (found,) = s3_client.list_objects_v2(Bucket=s3_bucket)["Contents"]
    assert store.uri_for("a") == f"s3://{s3_bucket}/{found['Key']}"
    assert found["Key"] == f"{prefix.strip('/')}/a".lstrip("/")
    assert store.uri == f"s3://{s3_bucket}/{prefix.strip('/')}".rstrip("/")
    assert [info.key for info in store.list("")] == ["a"]


def test_a_public_url_quotes_the_key_again(canned_store: S3Store) -> None:
    public = S3Store(canned_store._client, bucket="bucket", public_url="https://cdn.example.com")

    assert public.url_for("images/a%2Eb") == "https://cdn.example.com/images/a%252Eb"
    assert canned_store.url_for("images/a%2Eb") is None
