"""An S3 bucket and prefix as the store; imported only where a store is on S3, for boto3's sake."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError

from flux_assets.errors import (
    ConditionFailedError,
    ObjectNotFoundError,
    StoreError,
    StorePermissionError,
)
from flux_assets.storage.object_store import ObjectBody, ObjectInfo, check_picture_key
from flux_assets.storage.parallel import map_in_parallel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectTypeDef

_PART_BYTES = 8 * 1024 * 1024
_BODY_TRIES = 3
_CLOCK_KEY = "store.json"
_RIGHTS = (
    "s3:GetObject, s3:PutObject and s3:ListBucket (without which an absent object looks forbidden, "
    "too), as in deploy/iam-policy.json"
)
_RIGHT_TO_DELETE = "s3:DeleteObject, as in deploy/iam-policy-prune.json"
_EXPIRED_CREDENTIALS = frozenset({"ExpiredToken", "ExpiredTokenException"})
# boto3 gives an error or a listing that breaks off half-way as its HTTP library raises it.
_BROKEN_OFF = (HTTPError, IncompleteReadError, ResponseStreamingError)


class S3Store:
    """Objects in `bucket`, under `prefix`.

    An etag is S3's own without its quotes: AWS takes it back either way, Ceph only so.
    """

    def __init__(
        self,
        client: "S3Client",
        *,
        bucket: str,
        prefix: str = "",
        put_args: Mapping[str, Any] | None = None,
        public_url: str | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        self._put_args = put_args or {}
        self._public_url = public_url

    @property
    def uri(self) -> str:
        """`s3://bucket/prefix`."""
        return self.uri_for("").rstrip("/")

    def uri_for(self, key: str) -> str:
        """`s3://bucket/prefix/key`."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def url_for(self, key: str) -> str | None:
        """The object's URL below the public base, if there is one."""
        return f"{self._public_url}/{quote(key)}" if self._public_url else None

    def get(self, key: str) -> ObjectBody:
        """Read one object."""
        with self._errors("read", key):
            found, data = self._get_whole(key)
        info = ObjectInfo(
            key=key,
            size_bytes=len(data),
            etag=_unquote(found["ETag"]),
            modified_at=found["LastModified"].astimezone(UTC),
        )
        return ObjectBody(
            data=data, info=info, content_type=found["ContentType"], metadata=found["Metadata"]
        )

    def head(self, key: str) -> ObjectInfo:
        """Look at one object without its bytes."""
        with self._errors("read", key):
            found = self._client.head_object(**self._address(key))
        return ObjectInfo(
            key=key,
            size_bytes=found["ContentLength"],
            etag=_unquote(found["ETag"]),
            modified_at=found["LastModified"].astimezone(UTC),
        )

    def put(
        self,
        key: str,
        data: bytes | Iterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        """Write one object and return its etag; above 8 MiB in parts."""
        arguments = {
            **self._put_args,
            "ContentType": content_type,
            "Metadata": {**self._put_args.get("Metadata", {}), **(metadata or {})},
        }
        condition: dict[str, Any] = {}
        if if_absent:
            condition["IfNoneMatch"] = "*"
        if if_match is not None:
            condition["IfMatch"] = if_match
        with self._errors("write", key):
            parts = _cut([data] if isinstance(data, bytes) else data)
            first, second = next(parts, b""), next(parts, None)
            if second is not None:
                parts = chain((first, second), parts)
                return self._put_in_parts(key, parts, arguments, condition)
            put = self._client.put_object(
                **self._address(key), **arguments, **condition, Body=first
            )
            return _unquote(put["ETag"])

    def delete(self, key: str) -> None:
        """Delete one picture; a bucket that keeps versions keeps this one."""
        check_picture_key(key, self.uri_for(key))
        # S3 answers alike where there is none, some other stores 404.
        with suppress(ObjectNotFoundError), self._errors("delete", key):
            self._client.delete_object(**self._address(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`."""
        for found in self._scan(prefix):
            yield ObjectInfo(
                key=found["Key"].removeprefix(self._prefix),
                size_bytes=found["Size"],
                etag=_unquote(found["ETag"]),
                modified_at=found["LastModified"].astimezone(UTC),
            )

    def list_keys(self, prefix: str) -> Iterator[str]:
        """The keys alone."""
        for found in self._scan(prefix):
            yield found["Key"].removeprefix(self._prefix)

    def _scan(self, prefix: str) -> Iterator["ObjectTypeDef"]:
        """List in parallel what lies in folders right below, if one page names them all."""
        whole = f"{self._prefix}{prefix}"
        with self._errors("list", prefix):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=whole, Delimiter="/")
            if page["IsTruncated"]:
                yield from self._list_pages(whole)
                return
            yield from page.get("Contents", ())
            folders = [folder["Prefix"] for folder in page.get("CommonPrefixes", ())]
            for objects in map_in_parallel(lambda folder: [*self._list_pages(folder)], folders):
                yield from objects

    def _list_pages(self, prefix: str) -> Iterator["ObjectTypeDef"]:
        paginator = self._client.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
            yield from page.get("Contents", ())

    def free_bytes(self) -> None:
        """None: a bucket does not fill up."""

    def now(self) -> datetime:
        """S3's clock: the `Date` of a reply, whole seconds; that of an error serves as well."""
        with self._errors("read the clock of", ""):
            try:
                found = self._client.head_object(**self._address(_CLOCK_KEY))
                headers = found["ResponseMetadata"]["HTTPHeaders"]
            except ClientError as error:
                headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        try:
            return parsedate_to_datetime(headers["date"]).astimezone(UTC)
        except (KeyError, ValueError) as error:
            raise StoreError(self.uri, "read the clock of", "its replies have no Date") from error

    def _address(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{key}"}

    def _get_whole(self, key: str) -> "tuple[GetObjectOutputTypeDef, bytes]":
        """One object with its body; boto3 itself tries again only as far as the headers."""
        for tries_left in reversed(range(_BODY_TRIES)):
            try:
                found = self._client.get_object(**self._address(key))
                return found, found["Body"].read()
            except _BROKEN_OFF:
                if tries_left == 0:
                    raise
        raise AssertionError  # the last try returns or raises

    def _put_in_parts(
        self,
        key: str,
        parts: Iterable[bytes],
        arguments: dict[str, Any],
        condition: dict[str, Any],
    ) -> str:
        checksums = self._client.meta.config.request_checksum_calculation  # type: ignore[attr-defined]  # the stubs lack it
        if checksums == "when_supported":
            # boto3 gives every part this checksum, which AWS takes only if it was announced.
            arguments = {"ChecksumAlgorithm": "CRC32", **arguments}
        created = self._client.create_multipart_upload(**self._address(key), **arguments)
        upload = {**self._address(key), "UploadId": created["UploadId"]}
        try:
            written: list[Any] = [
                self._put_part(upload, number, part, arguments)
                for number, part in enumerate(parts, start=1)
            ]
            completed = self._client.complete_multipart_upload(
                **upload,
                **self._taken_by("CompleteMultipartUpload", arguments),
                **condition,
                MultipartUpload={"Parts": written},
            )
        except BaseException:
            with suppress(
                BotoCoreError, ClientError, HTTPError
            ):  # the first error is the one to report
                self._client.abort_multipart_upload(
                    **upload, **self._taken_by("AbortMultipartUpload", arguments)
                )
            raise
        return _unquote(completed["ETag"])

    def _put_part(
        self, upload: dict[str, Any], number: int, data: bytes, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        part = self._client.upload_part(
            **upload, **self._taken_by("UploadPart", arguments), PartNumber=number, Body=data
        )
        checksums = {name: it for name, it in part.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": part["ETag"], **checksums}

    def _taken_by(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        shape = self._client.meta.service_model.operation_model(operation).input_shape
        taken = shape.members if shape else {}
        return {name: arguments[name] for name in arguments if name in taken}

    @contextmanager
    def _errors(self, attempted: str, key: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, HTTPError) as error:
            raise StoreError(self.uri_for(key), attempted, str(error)) from error
        except ClientError as error:
            raise self._store_error(error, attempted, key) from error

    def _store_error(self, error: ClientError, attempted: str, key: str) -> StoreError:
        uri = self.uri_for(key)
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code = error.response["Error"]["Code"]
        writes = attempted == "write"
        if (
            status == 412
            or code == "ConditionalRequestConflict"
            or (writes and code == "NoSuchKey")
        ):
            return ConditionFailedError(uri, attempted, f"the condition does not hold ({code})")
        if code == "NoSuchBucket":
            problem = f"there is no bucket {self._bucket}; create it or correct FLUX_ASSETS_STORE"
            return StoreError(uri, attempted, problem)
        if status == 404 and attempted in {"read", "delete"}:
            return ObjectNotFoundError(uri, attempted, "there is no such object")
        if status == 403 or code in _EXPIRED_CREDENTIALS:
            rights = _RIGHT_TO_DELETE if attempted == "delete" else _RIGHTS
            problem = f"{error}. Check the credentials and their policy: {rights}"
            return StorePermissionError(uri, attempted, problem)
        return StoreError(uri, attempted, str(error))


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same body in parts of the one size that S3 and its like all take; the last is smaller."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > _PART_BYTES:
            yield bytes(waiting[:_PART_BYTES])
            del waiting[:_PART_BYTES]
    yield bytes(waiting)


def _unquote(etag: str) -> str:
    return etag.strip('"')
