"""Many image requests, concurrently: an Outcome for each, always."""

import logging
import queue
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.outcome import Outcome
from flux_assets.errors import FluxAssetsError
from flux_assets.image_api.request import ImageRequest

Obtain = Callable[[ImageRequest], Outcome]

_log = logging.getLogger(__name__)


def generate(
    requests: Iterable[ImageRequest], *, obtain: Obtain, stop: RunStop, threads: int
) -> Iterator[Outcome]:
    """Yield one Outcome per request, as it comes.

    Requests whose send failed or was never answered are sent again in a later pass, as far as
    the ledger's rules allow; until then they yield nothing. At most twice `threads` requests
    are under way or waiting to be taken by the consumer at a time.

    A consumer that stops early loses no paid picture: calls under way are awaited and kept in
    the ledger and the store, and nothing more is sent.

    Args:
        requests: each fingerprint at most once.
        obtain: brings one request to its outcome; called from many threads.
        stop: stops the sending of more.
        threads: how many requests are worked on at once.
    """
    remaining: Iterable[ImageRequest] = requests
    earlier: dict[str, Outcome] = {}
    while True:
        again: dict[str, Outcome] = {}
        with closing(_run_pass(remaining, obtain=obtain, stop=stop, threads=threads)) as outcomes:
            for outcome in outcomes:
                combined = _combine(earlier.get(outcome.request.fingerprint), outcome)
                if combined.may_send_again:
                    again[combined.request.fingerprint] = combined
                else:
                    _log_decision(combined)
                    yield combined
        if not again:
            return
        earlier = again
        remaining = [outcome.request for outcome in again.values()]


def _run_pass(
    requests: Iterable[ImageRequest], *, obtain: Obtain, stop: RunStop, threads: int
) -> Generator[Outcome, None, None]:
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def work(request: ImageRequest) -> None:
        outcomes.put(_obtain_always(request, obtain))

    waiting = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="picture") as pool:
        try:
            for request in requests:
                pool.submit(work, request)
                waiting += 1
                if waiting >= 2 * threads:
                    yield outcomes.get()
                    waiting -= 1
            while waiting:
                yield outcomes.get()
                waiting -= 1
        except BaseException:
            stop.halt("the run was interrupted")
            raise


def _obtain_always(request: ImageRequest, obtain: Obtain) -> Outcome:
    """The boundary of one request: whatever goes wrong in it stays its own."""
    try:
        return obtain(request)
    except FluxAssetsError as error:
        return Outcome(kind="failed", request=request, reason=str(error))
    except Exception as error:  # noqa: BLE001 - the one boundary where a request's failure ends
        _log.exception("product %r, shot %s", request.product_id, request.shot)
        return Outcome(
            kind="failed", request=request, reason=f"unexpected {type(error).__name__}: {error}"
        )


def _combine(earlier: Outcome | None, outcome: Outcome) -> Outcome:
    """The later pass decides; what both passes sent is added up."""
    if earlier is None:
        return outcome
    kind, reason = outcome.kind, outcome.reason
    if kind == "not_attempted":  # it was attempted, in the earlier pass
        kind, reason = earlier.kind, earlier.reason
    return replace(
        outcome,
        kind=kind,
        reason=reason,
        calls=earlier.calls + outcome.calls,
        possibly_paid_twice=earlier.possibly_paid_twice + outcome.possibly_paid_twice,
    )


def _log_decision(outcome: Outcome) -> None:
    _log.info(
        "%s: product %r, shot %s%s",
        outcome.kind,
        outcome.request.product_id,
        outcome.request.shot,
        f" ({outcome.reason})" if outcome.reason else "",
    )
