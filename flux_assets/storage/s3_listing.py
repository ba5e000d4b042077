"""What lies in an S3 bucket under a prefix, listed by several threads, however it is spread.

Folders right below the prefix are listed side by side, and one that goes on for long is halved by
its keys, again and again. One page after the other, a million keys take as many seconds as S3
takes for a thousand replies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from flux_assets.storage.parallel import THREADS, map_in_parallel
from flux_assets.storage.s3_replies import next_page_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

_PAGES_BEFORE_HALVING = 4
_MAX_PROBES = 80
_FIRST, _LAST = 0x20, 0x7E
_BASE = _LAST - _FIRST + 1
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """The keys of a prefix from a position on, up to and with `until` ("": to its end)."""

    prefix: str
    position: Mapping[str, str] = field(default_factory=dict)
    until: str = ""
    can_be_halved: bool = True


def list_objects(
    client: "S3Client", bucket: str, prefix: str
) -> Iterator[Sequence["ObjectTypeDef"]]:
    """Every object whose key starts with `prefix`, some at a time, in no promised order.

    Raises:
        StoreError: a reply is cut off and does not say where it goes on.
        ClientError: S3 refuses.
    """
    listing = _Listing(client, bucket)
    page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/")
    if next_page_of(page, listing.uri_for(prefix)):
        ranges = [_Range(prefix=prefix)]
    else:
        yield page.get("Contents", ())
        ranges = [_Range(prefix=it["Prefix"]) for it in page.get("CommonPrefixes", ())]
    while ranges:
        may_halve = len(ranges) < THREADS
        found = map_in_parallel(partial(listing.read_some, may_halve=may_halve), ranges)
        ranges = []
        for objects, remaining in found:
            yield objects
            ranges += remaining


@dataclass(frozen=True, slots=True)
class _Listing:
    client: "S3Client"
    bucket: str

    def uri_for(self, prefix: str) -> str:
        return f"s3://{self.bucket}/{prefix}"

    def read_some(
        self, part: _Range, *, may_halve: bool
    ) -> tuple[list["ObjectTypeDef"], list[_Range]]:
        """The first objects of a range, and the ranges in which the others are."""
        objects: list[ObjectTypeDef] = []
        position: Mapping[str, Any] = part.position
        for _ in range(_PAGES_BEFORE_HALVING):
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=part.prefix, **position)
            listed = page.get("Contents", [])
            is_past = bool(part.until and listed and listed[-1]["Key"] > part.until)
            objects += [it for it in listed if it["Key"] <= part.until] if is_past else listed
            token = next_page_of(page, self.uri_for(part.prefix))
            if is_past or not token or token == position.get("ContinuationToken"):
                return objects, []
            position = {"ContinuationToken": token}
        remaining = replace(part, position=position)
        keys = [it["Key"] for it in objects]
        if not part.can_be_halved or not keys or keys != sorted(keys):
            return objects, [replace(remaining, can_be_halved=False)]
        if not may_halve:
            return objects, [remaining]
        return objects, self._halve(remaining, keys[-1])

    def _halve(self, part: _Range, after: str) -> list[_Range]:
        """A range, of which `after` was the last key read, in halves; none if nothing is left.

        The upper half holds keys.
        """
        first = self._find_first(part.prefix, after)
        if first and part.until and first > part.until:
            return []
        for _ in range(_MAX_PROBES):
            middle = find_between(after, part.until, part.prefix)
            first = self._find_first(part.prefix, middle) if middle else None
            if first is None:
                break
            if first and not (part.until and first > part.until):
                upper = replace(part, position={"StartAfter": middle})
                return [replace(part, until=middle), upper]
            part = replace(part, until=middle)
        return [replace(part, can_be_halved=False)]

    def _find_first(self, prefix: str, after: str) -> str | None:
        """The first key after one, "" where there is none; None if the store does not tell."""
        try:
            page = self.client.list_objects_v2(
                Bucket=self.bucket, Prefix=prefix, StartAfter=after, MaxKeys=1
            )
        except ClientError:  # not every store knows StartAfter
            return None
        first = next((it["Key"] for it in page.get("Contents", ())), "")
        return None if first and first <= after else first  # nor does every one heed it


def find_between(after: str, until: str, prefix: str) -> str:
    """A key about half the way from one to another, in the order of S3; "" where there is none.

    Args:
        after: a key.
        until: a later one; "" for the last that could begin with the prefix.
        prefix: what both begin with.
    """
    end = until or prefix + chr(_LAST) * _DIGITS
    shared = len(prefix)
    while shared < min(len(after), len(end)) and after[shared] == end[shared]:
        shared += 1
    low, high = _number(after[shared:]), _number(end[shared:])
    middle = after[:shared] + _text((low + high) // 2)
    return middle if after < middle < end else ""


def _number(text: str) -> int:
    """The first characters of a text as a number; what is not ASCII comes after all that is."""
    number = 0
    for place in range(_DIGITS):
        code = ord(text[place]) if place < len(text) else _FIRST
        number = number * _BASE + min(max(code, _FIRST), _LAST) - _FIRST
    return number


def _text(number: int) -> str:
    digits = []
    for _ in range(_DIGITS):
        number, digit = divmod(number, _BASE)
        digits.append(chr(_FIRST + digit))
    return "".join(reversed(digits)).rstrip(chr(_FIRST))
