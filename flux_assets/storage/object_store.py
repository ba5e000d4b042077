"""Where pictures and tables live: the protocol that both stores keep, and the key layout."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from flux_assets.errors import StoreError

LEDGER_PREFIX = "ledger/"
BUDGET_PREFIX = "budget/"
PUBLISHING_PREFIX = "publishing/"
"""Of all that is made of pictures where products are sold."""
PICTURE_KEY = re.compile(
    r"images/(?P<shot>[^/]+)/(?P<product>[^/]+)/(?P<short>(?!0{32})[0-9a-f]{32})\.[a-z0-9]+"
)
"""A picture's whole key; `short` are the first digits of its request's fingerprint."""
RENDITIONS_PREFIX = f"{PUBLISHING_PREFIX}renditions/"
RENDITION_KEY = re.compile(
    rf"{RENDITIONS_PREFIX}(?P<product>[^/]+)/(?P<shot>[^/]+)/[0-9a-f]{{32}}\.(?:jpg|png|webp|avif)"
)
"""The whole key of a file that was made of a picture."""

TABLE_PARTS_PREFIX = "tables/parts/"
"""Of the parts that large tables are kept in; some may be of earlier ones."""
TABLE_PART_KEY = re.compile(
    rf"{TABLE_PARTS_PREFIX}[a-z0-9_]+/[0-9a-f]{{2}}-[0-9a-f]{{32}}\.parquet"
)
"""The whole key of such a part."""

_MAX_SEGMENT_BYTES = 180
PLAIN_SEGMENT = rf"^[A-Za-z0-9_-]{{1,{_MAX_SEGMENT_BYTES}}}$"
"""What `quote_segment` leaves as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object as a listing or a head request shows it; times are the store's own, in UTC.

    `etag` may be empty in a listing: a directory would have to read every object for it. Only a
    head request gives `metadata`.
    """

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectBody:
    """One object's bytes with what is needed to change or judge it."""

    data: bytes
    info: ObjectInfo
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """An S3 bucket and prefix, or a directory: the only lock between two machines.

    Keys are relative, `/`-separated and already quoted by the functions of this module. Every
    method raises StoreError (or one of its classes) and nothing else, and is safe to call from
    many threads.
    """

    @property
    def uri(self) -> str:
        """`s3://bucket/prefix` or the directory's absolute path."""

    def get(self, key: str) -> ObjectBody:
        """Read one object.

        Raises:
            ObjectNotFoundError: there is none.
        """

    def head(self, key: str) -> ObjectInfo:
        """Look at one object without its bytes.

        Raises:
            ObjectNotFoundError: there is none.
        """

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
        """Write one object durably and return its etag.

        Args:
            key: where to.
            data: the whole body, or its parts one after the other, which are never held at once.
            content_type: its media type.
            metadata: ASCII-safe pairs kept with the object.
            if_absent: write only where no object is.
            if_match: write only over the object with this etag.

        Raises:
            ConditionFailedError: the condition did not hold, as far as the store says. A
                write of ours that the client library retried can fail so too: the caller
                reads the object to know.
        """

    def delete(self, key: str) -> None:
        """Delete one picture, rendition or part of a table; nothing is wrong where there is none.

        A bucket that keeps versions keeps it as an older version, which has its price as well.

        Raises:
            StoreError: the key is neither a picture's (`PICTURE_KEY`) nor a rendition's
                (`RENDITION_KEY`) nor a part's (`TABLE_PART_KEY`), or the store refuses.
        """

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, in no promised order."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """The keys alone, which a directory tells sooner than what each object is."""

    def now(self) -> datetime:
        """The store's own clock in UTC, never this machine's."""

    def free_bytes(self) -> int | None:
        """How much may still be written; None where the store has no such end."""

    def uri_for(self, key: str) -> str:
        """The object's address for people and programs with access to the store."""

    def url_for(self, key: str) -> str | None:
        """The object's public URL, or None where no public base is configured; never signed."""


def quote_segment(text: str) -> str:
    """Make any text one safe key segment of at most 180 bytes.

    Everything but ASCII letters, digits, `_` and `-` is percent-quoted, dots included, so no
    segment can be `..` or hidden; longer results become a prefix and the text's sha256.
    """
    if re.fullmatch(PLAIN_SEGMENT, text):
        return text
    quoted = quote(text, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(quoted) <= _MAX_SEGMENT_BYTES:
        return quoted
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{quoted[: _MAX_SEGMENT_BYTES - len(digest) - 1]}-{digest}"


def picture_prefix(shot: str | None = None, product_id: str | None = None) -> str:
    """The prefix of all pictures, of one shot's, or of one shot's of one product."""
    if shot is None:
        return "images/"
    if product_id is None:
        return f"images/{shot}/"
    return f"images/{shot}/{quote_segment(product_id)}/"


def picture_key(*, shot: str, product_id: str, fingerprint: str, extension: str) -> str:
    """Where one picture lives, for ever: `images/{shot}/{product}/{fingerprint}.{extension}`."""
    return f"{picture_prefix(shot, product_id)}{fingerprint[:32]}.{extension}"


PROOF_KEY = picture_key(
    shot="proof", product_id="100 % gr\u00f6\u00dfer", fingerprint="0" * 64, extension="png"
)
"""What is put there, as a picture is, proves the store before a run; it is no product's."""


def check_picture_key(key: str, uri: str) -> None:
    """Make sure that a key may be deleted: pictures, renditions, parts, and the store's proof.

    Raises:
        StoreError: it is another object's.
    """
    deleted = (PICTURE_KEY, RENDITION_KEY, TABLE_PART_KEY)
    if key != PROOF_KEY and not any(pattern.fullmatch(key) for pattern in deleted):
        raise StoreError(uri, "delete", "it is no picture, and nothing else is ever deleted")


def rendition_key(*, product_id: str, shot: str, rendition_id: str, extension: str) -> str:
    """Where one file for the public lives, for ever: what it is made of names it."""
    return f"{RENDITIONS_PREFIX}{quote_segment(product_id)}/{shot}/{rendition_id}.{extension}"


def ledger_key(fingerprint: str) -> str:
    """The one ledger entry of a request fingerprint."""
    return f"{LEDGER_PREFIX}{fingerprint[:2]}/{fingerprint}.json"


def extra_reply_key(fingerprint: str, uuid: str) -> str:
    """Where a paid reply goes that another reply has forestalled."""
    return f"{LEDGER_PREFIX}{fingerprint[:2]}/{fingerprint}.{quote_segment(uuid)}.json"


def budget_key(day: str) -> str:
    """The spending counter of one UTC day, `YYYY-MM-DD`."""
    return f"{BUDGET_PREFIX}{day}.json"


def photo_prefix() -> str:
    """The prefix of all prepared photos of products."""
    return "photos/"


def photo_key(sha256: str, extension: str) -> str:
    """Where a product's prepared photo lives: by the sha256 of the photo as it was read."""
    return f"{photo_prefix()}{sha256}.{extension}"


def upload_key(sha256: str) -> str:
    """Where the vendor's asset key of one uploaded photo is kept, by the hash of its bytes."""
    return f"uploads/{sha256}.json"


def undecoded_key(fingerprint: str, sha256: str) -> str:
    """Where the bytes of a paid picture are kept that cannot be decoded here, by their hash."""
    return f"undecoded/{fingerprint[:32]}.{sha256[:32]}"


REPLACED_PREFIX = "runs/replaced/"
"""Of tables that were replaced while runs were under way."""


def replaced_table_key(name: str, sha256: str) -> str:
    """Of a table that was replaced while runs were under way; it expires as they do."""
    return f"{REPLACED_PREFIX}{sha256}/{name}"


def run_key(run_id: str, name: str) -> str:
    """What passes between the steps of one run; may expire after 30 days."""
    return f"runs/{quote_segment(run_id)}/{name}"


def table_key(name: str) -> str:
    """The last written table of this name (products, requests, plan, manifest, ...)."""
    return f"tables/{name}"


def table_parts_prefix(key: str) -> str:
    """The prefix of all parts of a table, by its own key."""
    return f"{TABLE_PARTS_PREFIX}{key.rpartition('/')[2].partition('.')[0]}/"


def table_part_key(key: str, bucket: str, sha256: str) -> str:
    """Where one part of a table lies, for ever; of which table, its own key says."""
    return f"{table_parts_prefix(key)}{bucket}-{sha256[:32]}.parquet"
