"""Reading LIST's pages ourselves says the same as boto3, or leaves them to it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from flux_assets.storage.s3 import S3Store
from flux_assets.storage.s3_list_reply import list_quickly
from flux_assets_tests.fixtures.stores import CannedS3, connect, new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ODD_KEYS = ("a b", "a+b", "a&b", "a%20b", "ä/<b>", "'\"", "100 % größer", "a/b/c")
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/'
    '2006-03-01/"><Name>b</Name><Prefix></Prefix><EncodingType>url</EncodingType>'
    "<KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
)
TAIL = "</ListBucketResult>"
PLAIN = (
    "<Contents><Key>a%2Bb+c</Key><LastModified>2026-11-27T01:02:03.000Z</LastModified>"
    "<ETag>&quot;abc&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
CHECKSUM = PLAIN.replace(
    "<Size>", "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>F</ChecksumType><Size>"
)
OWNER = "<Owner><ID>1</ID><DisplayName>me</DisplayName></Owner></Contents>"
FORMS = {
    "plain": PLAIN,
    "two": PLAIN + PLAIN.replace("%2B", "-"),
    "a checksum": CHECKSUM,
    "an owner": PLAIN.replace("</Contents>", OWNER),
    "another order": PLAIN.replace("<Size>7</Size>", "").replace("<Key>", "<Size>7</Size><Key>"),
    "another time": PLAIN.replace("2026-11-27T01:02:03.000Z", "Fri, 27 Nov 2026 01:02:03 GMT"),
    "no etag": PLAIN.replace("<ETag>&quot;abc&quot;</ETag>", ""),
    "one alike, one other": PLAIN + CHECKSUM.replace("<Key>", "<Generation>1</Generation><Key>"),
    "folders between": PLAIN + "<CommonPrefixes><Prefix>d%2B/</Prefix></CommonPrefixes>" + PLAIN,
    "lines": PLAIN.replace("><", ">\n  <"),
    "a key that is not quoted": PLAIN.replace("a%2Bb", "a&amp;b"),
    "nothing": "",
}


@pytest.fixture
def client(canned_s3: CannedS3) -> "Iterator[S3Client]":
    yield from connect(canned_s3.endpoint)


def ask(client: "S3Client") -> "dict[str, Any]":
    """What boto3 answers, but for what nobody here asks of it."""
    answer: dict[str, Any] = dict(client.list_objects_v2(Bucket="b"))
    del answer["ResponseMetadata"]
    kept = ("Key", "LastModified", "ETag", "Size")
    for it in answer.get("Contents", ()):
        for name in it.keys() - kept:
            del it[name]
    return answer


@pytest.mark.parametrize("form", FORMS)
def test_a_page_says_the_same_as_boto3_reads_in_it(
    client: "S3Client", canned_s3: CannedS3, form: str
) -> None:
    canned_s3.body = f"{HEAD}{FORMS[form]}{TAIL}".encode()
    by_boto3 = ask(client)
    list_quickly(client)
    assert ask(client) == by_boto3


@pytest.mark.parametrize("body", [b"", b"no XML", b"<Contents>", HEAD.encode(), b"\xff<Contents>"])
def test_a_reply_that_is_no_page_fails_as_it_does_in_boto3(
    client: "S3Client", canned_s3: CannedS3, body: bytes
) -> None:
    canned_s3.body = body

    def outcome() -> str:
        try:
            return str(ask(client))
        except (BotoCoreError, ClientError) as error:
            return repr(error)

    by_boto3 = outcome()
    list_quickly(client)
    assert outcome() == by_boto3


def test_each_s3_is_read_without_boto3s_parser(s3_client: "S3Client") -> None:
    bucket = new_bucket(s3_client)
    S3Store(s3_client, bucket=bucket).put("a", b"12", content_type="text/plain")
    (found,) = s3_client.list_objects_v2(Bucket=bucket)["Contents"]
    assert set(found) == {"Key", "LastModified", "ETag", "Size"}


def test_odd_keys_come_back_as_they_were_put(s3_client: "S3Client") -> None:
    store = S3Store(s3_client, bucket=new_bucket(s3_client))
    for key in ODD_KEYS:
        store.put(key, b"12", content_type="text/plain")
    assert {(info.key, info.size_bytes) for info in store.list("")} == {
        (key, 2) for key in ODD_KEYS
    }
