"""The wait for a call that was accepted before its picture was made; it costs polls, no call."""

import logging
import threading
from dataclasses import dataclass

from flux_assets.bill.ledger_entry import AcceptedCall, LedgerEntry
from flux_assets.bill.run_stop import RunStop
from flux_assets.clock import Clock
from flux_assets.errors import (
    AccountError,
    DownloadError,
    FluxAssetsError,
    NotSentError,
    RateLimitedError,
    UnpaidCallError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import NotStartedError, Pace
from flux_assets.image_api.polling import PollSchedule
from flux_assets.image_api.protocol import Reply

_POLL_TIMEOUT_SECONDS = 30.0
_LAST_POLL_GRACE_SECONDS = 5.0
"""The last poll comes at the deadline itself, and may find others before it."""

_NEVER = threading.Event()
"""Paid calls are heard to the end, also when the run must send nothing more."""

_log = logging.getLogger(__name__)


class NotReadyError(FluxAssetsError):
    """An accepted call has no result yet; asking for it again later is free.

    `is_told` says that the vendor answered so, and not that it could not be asked.
    """

    def __init__(self, uuid: str, problem: str, *, is_told: bool) -> None:
        super().__init__(f"call {uuid} is accepted and has no result yet: {problem}")
        self.uuid = uuid
        self.problem = problem
        self.is_told = is_told


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWait:
    """Waits for accepted calls, one per thread; the caller sees to their place in flight.

    Args:
        client, pace: the API; each poll counts against its limit.
        schedule: when to poll; learns from each call that is awaited from its send on.
        stop: told when the account itself is the matter.
        timeout_seconds: from a call's send.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    schedule: PollSchedule
    stop: RunStop
    timeout_seconds: float
    clock: Clock

    def wait_for(
        self, entry: LedgerEntry, *, sent_at: float | None = None, wait_seconds: float | None = None
    ) -> AcceptedCall:
        """The finished call of an entry that says it is being worked on.

        Args:
            entry: accepted.
            sent_at: when it was sent, on the clock; None if an earlier run sent it, whose call is
                asked for at once, and whose latency is not known.
            wait_seconds: how long to go on asking, if not for as long as a call may take; 0 asks
                once.

        Raises:
            RefusedError, GenerationFailedError, UnpaidCallError: the vendor made nothing.
            NotReadyError: not this time; a later run may ask again.
        """
        began = self.clock.monotonic() if sent_at is None else sent_at
        wait_seconds = self.timeout_seconds if wait_seconds is None else wait_seconds
        give_up_at = began + wait_seconds
        next_at = began if sent_at is None else began + self.schedule.first_poll_seconds
        not_ready_seconds = 0.0
        polls = 0
        is_told = False
        while True:
            self._sleep_until(min(next_at, give_up_at))
            asked_at = self.clock.monotonic()
            try:
                reply = self._ask(entry.uuid, give_up_at)
            except DownloadError as error:
                problem = str(error)
            else:
                is_told = True
                if reply is not None and reply.status == "success":
                    seconds = self.clock.monotonic() - began
                    if sent_at is None:
                        return _finished(entry, reply, latency_seconds=0.0)
                    self.schedule.note_ready(after=not_ready_seconds, by=seconds)
                    return _finished(entry, reply, latency_seconds=seconds)
                problem = "it is still worked on" if reply else "the vendor does not know it"
                not_ready_seconds = asked_at - began if reply else not_ready_seconds
            polls += 1
            if self.clock.monotonic() >= give_up_at:
                raise NotReadyError(
                    entry.uuid, f"{problem}, after {wait_seconds:g} s", is_told=is_told
                )
            next_at = self.clock.monotonic() + self.schedule.step_seconds(polls)

    def _ask(self, uuid: str, give_up_at: float) -> Reply | None:
        """One poll; a DownloadError if it has no answer this time."""
        try:
            last = give_up_at + _LAST_POLL_GRACE_SECONDS
            self.pace.spend_request(stop=_NEVER, deadline=last)
            return self.client.fetch_result(uuid, timeout_seconds=_POLL_TIMEOUT_SECONDS)
        except RateLimitedError as error:
            _log.warning("all calls pause for %g s: %s", error.retry_after_seconds, error)
            self.pace.pause(error.retry_after_seconds)
            raise DownloadError(str(error)) from error
        except NotStartedError as error:
            raise DownloadError("rate and pauses leave no room to ask for it") from error
        except NotSentError as error:
            raise DownloadError(str(error)) from error
        except AccountError as error:
            self.stop.trip(str(error))
            if isinstance(error, UnpaidCallError):
                raise
            raise NotReadyError(uuid, str(error), is_told=False) from error

    def _sleep_until(self, moment: float) -> None:
        seconds = moment - self.clock.monotonic()
        if seconds > 0:
            self.clock.sleep(seconds)


def _finished(entry: LedgerEntry, reply: Reply, *, latency_seconds: float) -> AcceptedCall:
    return AcceptedCall(
        uuid=entry.uuid,
        result_keys=reply.result_keys,
        temporary_url=reply.temporary_url or "",
        accepted_at=entry.accepted_at,
        latency_seconds=round(latency_seconds, 3),
        asset_key=entry.asset_key,
    )
