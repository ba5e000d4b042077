"""An S3 bucket and prefix as the store; imported only where a store is on S3, for boto3's sake."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import ObjectBody, ObjectInfo, check_picture_key
from flux_assets.storage.s3_errors import (
    BROKEN_OFF,
    S3_FAILURES,
    explain_failure,
    status_of,
    store_error,
)
from flux_assets.storage.s3_list_reply import list_quickly
from flux_assets.storage.s3_listing import list_objects
from flux_assets.storage.s3_replies import etag_of, modified_at_of, plain_etag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectTypeDef

_PART_BYTES = 8 * 1024 * 1024
_BODY_TRIES = 3
_CLOCK_KEY = "store.json"
_UNKNOWN_TYPE = "binary/octet-stream"


class S3Store:
    """Objects in `bucket`, under `prefix`.

    An etag is S3's own without its quotes and without the mark of a weak one, which a proxy may
    have made of it. AWS takes it back with quotes and without, Ceph only without, and others only
    with them: a condition that does not hold is tried the other way, until one of them held.
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
        list_quickly(client)
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        self._put_args = put_args or {}
        self._public_url = public_url
        self._quotings: tuple[str, ...] = ("{}", '"{}"')

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
        return ObjectBody(
            data=data,
            info=self._info(key, found, len(data)),
            content_type=found.get("ContentType", _UNKNOWN_TYPE),
            metadata=found.get("Metadata", {}),
        )

    def head(self, key: str) -> ObjectInfo:
        """Look at one object without its bytes."""
        with self._errors("read", key):
            found = self._client.head_object(**self._address(key))
        info = self._info(key, found, found.get("ContentLength", 0))
        return replace(info, metadata=found.get("Metadata", {}))

    def _info(self, key: str, found: Mapping[str, Any], size_bytes: int) -> ObjectInfo:
        uri = self.uri_for(key)
        return ObjectInfo(
            key=key,
            size_bytes=size_bytes,
            etag=etag_of(found, uri, "read"),
            modified_at=modified_at_of(found, uri),
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
        with self._errors("write", key, has_condition=if_absent or if_match is not None):
            parts = _cut([data] if isinstance(data, bytes) else data)
            first, second = next(parts, b""), next(parts, None)
            if second is not None:
                parts = chain((first, second), parts)
                with self._upload(key, parts, arguments) as complete:
                    put = self._write(complete, if_absent=if_absent, if_match=if_match)
            else:
                whole = {**self._address(key), **arguments, "Body": first}
                put = self._write(
                    lambda condition: self._client.put_object(**whole, **condition),
                    if_absent=if_absent,
                    if_match=if_match,
                )
        return etag_of(put, self.uri_for(key), "write")

    def _write(
        self,
        send: Callable[[dict[str, Any]], Mapping[str, Any]],
        *,
        if_absent: bool,
        if_match: str | None,
    ) -> Mapping[str, Any]:
        """Send a write on its condition, in each form of it that the store may take."""
        if if_match is None:
            return send({"IfNoneMatch": "*"} if if_absent else {})
        quotings = self._quotings
        for quoting in quotings:
            try:
                reply = send({"IfMatch": quoting.format(if_match)})
            except ClientError as error:
                if status_of(error) not in {400, 412} or quoting == quotings[-1]:
                    raise
            else:
                self._quotings = (quoting,)
                return reply
        raise AssertionError  # the last try returns or raises

    def delete(self, key: str) -> None:
        """Delete one picture; a bucket that keeps versions keeps this one."""
        check_picture_key(key, self.uri_for(key))
        # S3 answers alike where there is none, some other stores 404.
        with suppress(ObjectNotFoundError), self._errors("delete", key):
            self._client.delete_object(**self._address(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`."""
        for found in chain.from_iterable(self._scan(prefix)):
            key = found["Key"].removeprefix(self._prefix)
            yield ObjectInfo(
                key=key,
                size_bytes=found.get("Size", 0),
                etag=plain_etag(found.get("ETag", "")),
                modified_at=modified_at_of(found, self.uri_for(key)),
            )

    def list_keys(self, prefix: str) -> Iterator[str]:
        """The keys alone."""
        for objects in self._scan(prefix):
            yield from [found["Key"].removeprefix(self._prefix) for found in objects]

    def _scan(self, prefix: str) -> Iterator[Sequence["ObjectTypeDef"]]:
        with self._errors("list", prefix):
            yield from list_objects(self._client, self._bucket, f"{self._prefix}{prefix}")

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
            except BROKEN_OFF:
                if tries_left == 0:
                    raise
        raise AssertionError  # the last try returns or raises

    @contextmanager
    def _upload(
        self, key: str, parts: Iterable[bytes], arguments: dict[str, Any]
    ) -> Iterator[Callable[[dict[str, Any]], Mapping[str, Any]]]:
        """Upload a body in parts, and give what makes an object of them; else leave none."""
        if self._sends_checksums:
            # boto3 gives every part this checksum, which AWS takes only if it was announced.
            arguments = {"ChecksumAlgorithm": "CRC32", **arguments}
        created = self._client.create_multipart_upload(**self._address(key), **arguments)
        upload = {**self._address(key), "UploadId": created["UploadId"]}
        try:
            written: list[Any] = [
                self._put_part(upload, number, part, arguments)
                for number, part in enumerate(parts, start=1)
            ]
            taken = self._taken_by("CompleteMultipartUpload", arguments)
            yield lambda condition: self._client.complete_multipart_upload(
                **upload, **taken, **condition, MultipartUpload={"Parts": written}
            )
        except BaseException:
            with suppress(*S3_FAILURES, ClientError):  # the first error is the one to report
                self._client.abort_multipart_upload(
                    **upload, **self._taken_by("AbortMultipartUpload", arguments)
                )
            raise

    @property
    def _sends_checksums(self) -> bool:
        config = self._client.meta.config
        return bool(config.request_checksum_calculation == "when_supported")  # type: ignore[attr-defined]  # the stubs lack it

    def _put_part(
        self, upload: dict[str, Any], number: int, data: bytes, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        part = self._client.upload_part(
            **upload, **self._taken_by("UploadPart", arguments), PartNumber=number, Body=data
        )
        checksums = {name: it for name, it in part.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": part["ETag"].removeprefix("W/"), **checksums}

    def _taken_by(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        shape = self._client.meta.service_model.operation_model(operation).input_shape
        taken = shape.members if shape else {}
        return {name: arguments[name] for name in arguments if name in taken}

    @contextmanager
    def _errors(self, attempted: str, key: str, *, has_condition: bool = False) -> Iterator[None]:
        try:
            yield
        except S3_FAILURES as error:
            raise StoreError(self.uri_for(key), attempted, explain_failure(error)) from error
        except ClientError as error:
            raise store_error(
                error,
                self.uri_for(key),
                attempted,
                bucket=self._bucket,
                sends_checksums=self._sends_checksums,
                has_condition=has_condition,
            ) from error


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same body in parts of the one size that S3 and its like all take; the last is smaller."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > _PART_BYTES:
            yield bytes(waiting[:_PART_BYTES])
            del waiting[:_PART_BYTES]
    yield bytes(waiting)
