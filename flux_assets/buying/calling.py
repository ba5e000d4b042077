"""One call to the API, heard to its end."""

import logging
from dataclasses import dataclass

from flux_assets.bill.breaker import Breaker
from flux_assets.bill.credits import AccountCredits
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.reachability import Reachability
from flux_assets.buying.result_wait import ResultWait
from flux_assets.buying.uploads import Upload
from flux_assets.clock import Clock
from flux_assets.errors import (
    AccountError,
    FluxAssetsError,
    GenerationFailedError,
    NoConnectionError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    StoreError,
    UnknownOutcomeError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.error_replies import speaks_of_moderation
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.protocol import Reply
from flux_assets.image_api.request import ImageRequest

_log = logging.getLogger(__name__)


class UploadRefusedError(FluxAssetsError):
    """The vendor refused a call that named a photo of an earlier upload; nothing was made."""


NOTHING_SENT = (NotSentError, RateLimitedError, UploadRefusedError)
"""Answers after which the very same call is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes the paid calls; whoever calls it holds a claim and a place in flight.

    Args:
        client, pace: the API; told of each call that went well.
        stop, breaker, reachability, credits: told of each answer.
        ledger: notes a call that is answered before its picture is made.
        results: waits for what such a call makes.
        timeout_seconds: for one call.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    stop: RunStop
    breaker: Breaker
    reachability: Reachability
    credits: AccountCredits
    ledger: Ledger
    results: ResultWait
    timeout_seconds: float
    clock: Clock

    def call(
        self, request: ImageRequest, claim: LedgerEntry, upload: Upload | None, *, send_by: float
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """What came of one call, with the ledger entry as it stands then.

        From `send_by` on, on the clock, the claim may be another's: nothing is sent any more.

        An asynchronous call keeps its place in flight until its result is there, and its entry is
        the accepted one; where that could not be written, the call is given as still processing.
        """
        sent_at = self.clock.monotonic()
        reply = self._submit(request, upload.asset_key if upload else "", send_by=send_by)
        if isinstance(reply, RefusedError) and _may_be_forgotten(upload, reply):
            return claim, UploadRefusedError(str(reply))
        if isinstance(reply, FluxAssetsError):
            return claim, reply
        is_processing = reply.status == "processing"
        latency_seconds = 0.0 if is_processing else self.clock.monotonic() - sent_at
        call = AcceptedCall(
            uuid=reply.uuid,
            result_keys=reply.result_keys,
            temporary_url=reply.temporary_url or "",
            accepted_at=self.clock.utc_now().isoformat(timespec="seconds"),
            latency_seconds=round(latency_seconds, 3),
            is_processing=is_processing,
            asset_key=upload.asset_key if upload else "",
        )
        return self._hear_out(claim, call, sent_at) if is_processing else (claim, call)

    def _hear_out(
        self, claim: LedgerEntry, call: AcceptedCall, sent_at: float
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """Note the call, which may be paid already, and only then wait for its result."""
        try:
            entry = self.ledger.record_reply(claim, call)
        except (ClaimLostError, StoreError) as error:
            _log.warning("%s, but the ledger did not note it: %s", call, error)
            return claim, call
        if not entry.is_processing:  # another run has fetched the result meanwhile
            return claim, call
        try:
            return entry, self.results.wait_for(entry, sent_at=sent_at)
        except FluxAssetsError as error:
            return entry, error

    def _submit(
        self, request: ImageRequest, asset_key: str, *, send_by: float
    ) -> Reply | FluxAssetsError:
        """What the vendor answers, or why there is no answer.

        The circuit breaker is told while the call holds its place: no other starts in between.
        """
        try:
            with self.breaker.calling():
                return self._exchange(request, asset_key, send_by=send_by)
        except NotSentError as error:
            return error

    def _exchange(
        self, request: ImageRequest, asset_key: str, *, send_by: float
    ) -> Reply | FluxAssetsError:
        try:
            reply = self.client.submit(
                request,
                timeout_seconds=self.timeout_seconds,
                asset_key=asset_key,
                send_within_seconds=send_by - self.clock.monotonic(),
            )
        except (NotSentError, RateLimitedError) as error:
            if isinstance(error, NoConnectionError):
                self.reachability.note_no_connection(error)
            elif isinstance(error, RateLimitedError):
                self.reachability.note_answer()
            return error
        except AccountError as error:
            self.reachability.note_answer()
            if error.reason == "gateway_forbidden":
                self.breaker.note_forbidden(request.fingerprint, error)
            else:
                self.stop.trip(str(error))
            return error
        except (GenerationFailedError, RefusedError) as error:
            self.reachability.note_answer()
            self.breaker.note_answer()
            return error
        except UnknownOutcomeError as error:
            self.reachability.note_answer()
            self.breaker.note_unknown()
            return error
        except BaseException:
            self.breaker.note_unknown()  # what we cannot read may be paid all the same
            raise
        self.reachability.note_answer()
        self.breaker.note_answer()
        self.pace.succeeded()
        self.credits.note(reply.credits)
        return reply


def _may_be_forgotten(upload: Upload | None, refusal: RefusedError) -> bool:
    """Whether a refusal may be about an uploaded photo that the vendor no longer has."""
    return upload is not None and upload.is_remembered and not speaks_of_moderation(refusal.message)
