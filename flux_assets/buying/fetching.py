"""Fetching a paid picture's bytes, from every place where the vendor may have them."""

import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.clock import Clock
from flux_assets.errors import (
    DownloadError,
    FluxAssetsError,
    GenerationFailedError,
    NotSentError,
    PictureError,
    RateLimitedError,
    RefusedError,
    ResultExpiredError,
    ResultForbiddenError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import NotStartedError, Pace
from flux_assets.image_api.protocol import Reply
from flux_assets.pictures.inspect import NoPictureError, Picture, UndecodedError
from flux_assets.pictures.memory_budget import MemoryBudget

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 15.0
_RATE_SECONDS = 5.0
_TROUBLE_SECONDS = 3.0
_LATE_SECONDS = 20.0
"""An object may lag its URL, and is not there (404) or forbidden (403) until then."""
_MAX_DAMAGED = 4
"""After so many downloads of damaged bytes, waiting is of no use."""

_COPIES = 2
"""A file is there twice as it is received, and as it is decoded without its notes."""

_NEVER = threading.Event()
"""Paid pictures are fetched to the end, also when the run must send nothing more."""

_log = logging.getLogger(__name__)

_Place = Literal["its URL", "the vendor's record", "its storage key"]


class UnfetchedError(FluxAssetsError):
    """A paid picture could not be had this time, wherever it was looked for."""

    def __init__(self, reason: str, *, is_damaged: bool) -> None:
        super().__init__(reason)
        self.is_damaged = is_damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """Downloads accepted pictures; shared by all threads of a step.

    Args:
        client, pace: the API; a question for the vendor's record counts against its limit.
        inspect: what it looks at each with, as `Likeness.inspect`.
        room: the bytes that all threads may hold of what they downloaded.
        timeout_seconds: for one download.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    inspect: Callable[[bytes], Picture]
    room: MemoryBudget
    timeout_seconds: float
    clock: Clock

    def fetch(
        self,
        entry: LedgerEntry,
        *,
        held: ExitStack,
        wait_seconds: float,
        on_trouble: Callable[["UnfetchedError"], None] = lambda _error: None,
    ) -> tuple[bytes, Picture]:
        """The bytes of one accepted picture that opens.

        Args:
            entry: says where it may be: by URL, by the vendor's record of the call, by storage key.
            held: to be closed once the bytes are not needed any more; until then, they take room.
            wait_seconds: for how long to try again what may come later; 0 asks once everywhere.
            on_trouble: told while it is tried again, once that is more than an object's being late.

        Raises:
            UndecodedError: it came twice as the same bytes, which cannot be decoded here.
            UnfetchedError: it cannot be had now; it tells what each place said.
            AccountError: the key is not taken; nothing is known of the picture.
        """
        began = self.clock.monotonic()
        give_up_at = began + wait_seconds
        pause_seconds = _FIRST_WAIT_SECONDS
        damaged = 0
        while True:
            is_last = self.clock.monotonic() + pause_seconds >= give_up_at
            problems: dict[_Place, FluxAssetsError] = {}
            for place, problem_or_found in self._ask(entry, give_up_at, held):
                if not isinstance(problem_or_found, FluxAssetsError):
                    return problem_or_found
                if isinstance(problem_or_found, UndecodedError):
                    raise problem_or_found
                problems[place] = problem_or_found
                if not is_last and _may_come_there(problem_or_found):
                    break
            is_damaged = any(map(_is_damage, problems.values()))
            damaged += is_damaged
            reason = "; ".join(f"{place}: {problem}" for place, problem in problems.items())
            if is_last or damaged >= _MAX_DAMAGED or not _may_pass(problems.values()):
                raise UnfetchedError(
                    reason or "the reply names no place for it", is_damaged=is_damaged
                )
            is_late = any(map(_is_late, problems.values()))
            late_seconds = _LATE_SECONDS if is_late else _TROUBLE_SECONDS
            if self.clock.monotonic() - began >= late_seconds:
                on_trouble(UnfetchedError(reason, is_damaged=is_damaged))
            _log.info("call %s: %s; tried again in %.1f s", entry.uuid, reason, pause_seconds)
            held.close()
            self.clock.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_WAIT_SECONDS)

    def _ask(
        self, entry: LedgerEntry, give_up_at: float, held: ExitStack
    ) -> Iterator[tuple[_Place, tuple[bytes, Picture] | FluxAssetsError]]:
        """What each place says, one after the other."""
        if entry.temporary_url:
            yield "its URL", self._download(entry.temporary_url, held)
        keys = list(entry.result_keys[:1])
        if entry.uuid:
            found = self._ask_for_record(entry, give_up_at)
            if isinstance(found, Reply):
                keys += found.result_keys[:1]
                url = found.temporary_url
                yield (
                    "the vendor's record",
                    self._download(url, held) if url else DownloadError("it names no URL"),
                )
            else:
                yield "the vendor's record", found
        for key in dict.fromkeys(keys):
            yield "its storage key", self._download(key, held)

    def _download(
        self, url_or_key: str, held: ExitStack
    ) -> tuple[bytes, Picture] | FluxAssetsError:
        """The picture or what is wrong; UndecodedError where it came twice as the same bytes."""
        try:
            found = self._download_once(url_or_key, held)
            if not isinstance(found, UndecodedError):
                return found
            first, sha256 = str(found), hashlib.sha256(found.data).digest()
            del found  # its bytes' room is the next one's
            found = self._download_once(url_or_key, held)  # it may have been changed on its way
            if isinstance(found, UndecodedError) and hashlib.sha256(found.data).digest() != sha256:
                return PictureError(f"it comes in different ways: {first}; {found}")
        except (DownloadError, ResultForbiddenError, PictureError) as error:
            return error.with_traceback(None)  # which would keep what was downloaded
        return found

    def _download_once(
        self, url_or_key: str, held: ExitStack
    ) -> tuple[bytes, Picture] | UndecodedError:
        def make_room(size_bytes: int) -> None:
            held.close()  # what came before is not needed any more
            held.enter_context(self.room.hold(size_bytes * _COPIES))

        data = self.client.download(
            url_or_key, timeout_seconds=self.timeout_seconds, make_room=make_room
        )
        try:
            return data, self.inspect(data)
        except UndecodedError as error:
            return error

    def _ask_for_record(self, entry: LedgerEntry, give_up_at: float) -> Reply | FluxAssetsError:
        try:
            self.pace.spend_request(stop=_NEVER, deadline=give_up_at + _RATE_SECONDS)
            reply = self.client.fetch_result(entry.uuid, timeout_seconds=self.timeout_seconds)
        except RateLimitedError as error:
            self.pace.pause(error.retry_after_seconds)
            return error
        except (
            RefusedError,
            GenerationFailedError,
            DownloadError,
            NotSentError,
            NotStartedError,
        ) as error:
            return error
        if reply is None:
            return ResultExpiredError("the vendor does not know the call")
        if reply.status == "processing":
            return DownloadError("it is still worked on")
        return reply


def _may_come_there(problem: FluxAssetsError) -> bool:
    """Whether the same place may have it soon, so that no other need be asked yet."""
    is_late = isinstance(problem, DownloadError | NotSentError | RateLimitedError)
    return is_late and not isinstance(problem, ResultExpiredError)


def _may_pass(problems: Collection[FluxAssetsError]) -> bool:
    """Whether it is of use to wait: a 403 may be a late object's, and bytes may come whole."""
    if any(isinstance(problem, ResultForbiddenError) for problem in problems):
        return False
    return not all(isinstance(it, RefusedError | GenerationFailedError) for it in problems)


def _is_late(problem: FluxAssetsError) -> bool:
    """Whether it is what is said of an object that is still on its way."""
    return isinstance(problem, DownloadError) and problem.is_late


def _is_damage(problem: FluxAssetsError) -> bool:
    """Whether something came that is damaged; a page in its place tells nothing of the picture."""
    return isinstance(problem, PictureError) and not isinstance(problem, NoPictureError)
