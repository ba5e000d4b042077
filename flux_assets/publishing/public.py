"""What the public gets of what channels show: a few random files, held against the editions."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from random import Random
from typing import Literal, NamedTuple

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import PictureError, SourceError
from flux_assets.pictures.inspect import picture_errors
from flux_assets.publishing.channel_editions import NO_PUBLIC_URL
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.edition import Edition, Picture
from flux_assets.publishing.editions import read_last_edition
from flux_assets.publishing.mark import read_mark
from flux_assets.publishing.measures import name_format
from flux_assets.publishing.public_fetch import (
    MAX_BYTES,
    NotPublicError,
    PublicReply,
    fetch_as_stranger,
)
from flux_assets.storage.object_store import ObjectStore

MOST_FILES = 20
"""How many files of a channel are looked at."""

_SECONDS = 120
_THREADS = 8
_ACCEPTS = ("*/*", "image/avif,image/webp,image/*,*/*;q=0.8")
"""A channel's own reader, and a browser, for which some servers make other files."""

Fault = Literal["stripped", "hidden", "changed", "unreachable"]
"""Without its mark; not given to the public; other bytes with the mark; not there to look at."""

_POLICY = (
    "let everybody read publishing/renditions/ below the store's prefix, as "
    "deploy/bucket-policy-public.json does"
)
_AS_IT_LIES = (
    "have it serve publishing/renditions/ as it lies in the store: no optimising, resizing or "
    "conversion, all metadata kept"
)
_Fetch = Callable[..., PublicReply]


class ShownFile(NamedTuple):
    """A file that an edition names, with the first place that shows it."""

    url: str
    product_id: str
    slot: str
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicProblem:
    """What is wrong with what the public gets of one file, and what to do."""

    file: ShownFile
    fault: Fault
    problem: str

    @property
    def is_severe(self) -> bool:
        """Whether channels read unmarked pictures, or none; else it may be right for them."""
        return self.fault in {"stripped", "hidden"}

    def __str__(self) -> str:
        """As people are told."""
        place = f"product {self.file.product_id!r}, {self.file.slot}"
        return f"{place}: {self.file.url}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLook:
    """What was seen of a channel's newest edition; its number is 0 where there is none.

    Of sample pictures, whose addresses lead nowhere, no file is looked at.
    """

    channel: str
    number: int = 0
    is_sample: bool = False
    looked_at: int = 0
    problems: Sequence[PublicProblem] = ()

    def describe(self) -> str:
        """One line for people: the first problem of each kind, and how many are like it."""
        if not self.number:
            return "has no edition yet; `flux-assets publish` makes one"
        if self.is_sample:
            return f"edition {self.number} is of sample pictures, at {NO_PUBLIC_URL}: not fetched"
        if not self.problems:
            return f"{self.looked_at} files of edition {self.number} come as they lie in the store"
        firsts = {it.fault: it for it in reversed(self.problems)}
        told = "; ".join(str(it) for it in firsts.values())
        return (
            f"{len(self.problems)} of {self.looked_at} files of edition {self.number} do not come "
            f"as they lie in the store: {told}"
        )


def look_at_public(
    store: ObjectStore,
    channels: ChannelsFile,
    random: Random,
    *,
    fetch: _Fetch = fetch_as_stranger,
    clock: Clock = SYSTEM_CLOCK,
) -> list[PublicLook]:
    """Fetch some shown files of each enabled channel as a stranger would; at most two minutes.

    Raises:
        StoreError: an edition cannot be read.
    """
    chosen: dict[str, tuple[Edition | None, list[ShownFile]]] = {}
    for channel in channels.enabled:
        edition = read_last_edition(store, channel.name)
        is_fetched = edition is not None and not _is_sample(edition)
        files = choose_files(edition, random) if edition and is_fetched else []
        chosen[channel.name] = edition, files
    wanted = {file.url: file for _, files in chosen.values() for file in files}
    look = partial(_look, fetch=fetch, clock=clock, until=clock.monotonic() + _SECONDS)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="public") as pool:
        seen = dict(zip(wanted, pool.map(look, wanted.values()), strict=True))
    return [
        PublicLook(
            channel=name,
            number=edition.number if edition else 0,
            is_sample=bool(edition and _is_sample(edition)),
            looked_at=len(files),
            problems=[
                PublicProblem(file=file, fault=found[0], problem=found[1])
                for file in files
                if (found := seen[file.url])
            ],
        )
        for name, (edition, files) in chosen.items()
    ]


def choose_files(edition: Edition, random: Random, most: int = MOST_FILES) -> list[ShownFile]:
    """Some of the files that an edition names, each once."""
    files: dict[str, ShownFile] = {}
    for product in edition.products.values():
        for showing in product.showings:
            key = showing.picture.object_key
            if key not in files:
                url = edition.url_of(showing.picture)
                files[key] = ShownFile(url, product.product_id, showing.slot, showing.picture)
    return random.sample([*files.values()], min(most, len(files)))


def judge_reply(picture: Picture, reply: PublicReply) -> tuple[Fault, str] | None:
    """What is wrong with what came; None if it is the very file, with its mark."""
    if reply.status != 200:
        return _judge_status(reply)
    data = reply.data
    mark = read_mark(data)
    if hashlib.sha256(data).hexdigest() == picture.sha256 and mark == picture.mark:
        return None
    by = f" ({reply.served_by})" if reply.served_by else ""
    if len(data) > MAX_BYTES:
        return "hidden", f"gives more than {MAX_BYTES:,} bytes{by}, which no channel takes"
    if not name_format(data):
        what = "no bytes at all" if not data else f"{len(data):,} bytes that are no picture"
        if data.lstrip()[:1] == b"<" or "html" in reply.content_type:
            what = "a page, as for logging in or of an error"
        return "hidden", f"gives {what}, instead of the picture{by}; {_POLICY}"
    is_marked = mark == picture.mark
    changes = [*_find_changes(picture, data)]
    changes.append("the AI mark is still there" if is_marked else _name_lost_mark(mark))
    fault: Fault = "changed" if is_marked else "stripped"
    told = by or " by a server that does not say its name"
    return fault, f"comes changed{told}: {', '.join(changes)}; {_AS_IT_LIES}"


def _look(file: ShownFile, fetch: _Fetch, clock: Clock, until: float) -> tuple[Fault, str] | None:
    for accept in _ACCEPTS:
        if clock.monotonic() > until:
            return "unreachable", f"was not looked at: {_SECONDS} seconds were over; try again"
        try:
            found = judge_reply(file.picture, fetch(file.url, accept=accept))
        except NotPublicError as error:
            return "hidden", error.problem
        except SourceError as error:
            return "unreachable", error.problem
        if found:
            fault, problem = found
            told = f"for browsers it {problem}" if accept != _ACCEPTS[0] else problem
            return fault, told
    return None


def _judge_status(reply: PublicReply) -> tuple[Fault, str]:
    by = f" ({reply.served_by})" if reply.served_by else ""
    status = f"HTTP {reply.status}{by}"
    if reply.status in {401, 403, 407}:
        return "hidden", f"the public may not read it, {status}; {_POLICY}"
    if reply.status in {404, 410}:
        problem = (
            f"nothing is there, {status}; FLUX_ASSETS_PUBLIC_URL must lead to the store's prefix, "
            "and whatever serves it must know publishing/renditions/"
        )
        return "hidden", problem
    if reply.status == 429 or reply.status >= 500:
        return "unreachable", f"its server cannot give it now, {status}; try again later"
    return "hidden", f"its server gives no picture, {status}; correct FLUX_ASSETS_PUBLIC_URL"


def _find_changes(picture: Picture, data: bytes) -> Iterator[str]:
    wanted = PurePosixPath(picture.object_key).suffix[1:]
    if (found := name_format(data)) != wanted:
        yield f"{found} instead of {wanted}"
    size = _read_size(data)
    if size and size != (picture.width_px, picture.height_px):
        was = f"{picture.width_px} x {picture.height_px}"
        yield f"{size[0]} x {size[1]} instead of {was} pixels"
    size_bytes = json.loads(picture.measures).get("size_bytes", len(data))
    same = size_bytes == len(data)
    yield f"{len(data):,} {'other' if same else f'instead of {size_bytes:,}'} bytes"


def _name_lost_mark(mark: str) -> str:
    return f"the AI mark says {mark[:80]!r}" if mark else "the AI mark is gone"


def _read_size(data: bytes) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with picture_errors(data), Image.open(io.BytesIO(data)) as opened:
            return opened.size
    except PictureError:
        return None


def _is_sample(edition: Edition) -> bool:
    return f"{edition.form.public_url}/".startswith(f"{NO_PUBLIC_URL}/")
