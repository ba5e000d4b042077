"""Whatever several buyers do to one ledger, and whatever happens to them, its promises hold."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flux_assets.bill.claim_keeper import ClaimKeeper
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, LedgerEntry
from flux_assets.bill.ledger_objects import LedgerObjects
from flux_assets.bill.send_rules import SendRules, Standing
from flux_assets.buying.calling import Caller
from flux_assets.image_api.request import ImageRequest
from flux_assets.storage.object_store import ledger_key
from flux_assets_tests.fixtures.ledger_protocol import (
    ProtocolError,
    build_world_bench,
    play_histories,
)
from flux_assets_tests.fixtures.purchases import Bench
from flux_assets_tests.fixtures.simulators import StartSimulator

BuildBench = Callable[[bool], Bench]


@pytest.fixture
def build(tmp_path: Path, start_simulator: StartSimulator) -> BuildBench:
    """A bench with a store of its own, synchronous or asynchronous."""
    return lambda run_async: build_world_bench(
        tmp_path / f"store-{run_async}", start_simulator, run_async=run_async
    )


@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_whatever_happens_to_several_buyers_none_pays_unseen_and_nothing_paid_is_lost(
    build: BuildBench, *, run_async: bool
) -> None:
    done = play_histories(build(run_async), range(50))

    assert done.keys() >= {"overtake", "sleep", "crash", "kill", "store fault", "call fault"}
    assert done["paid"] > done["requests"]  # some are sent again, and counted


@pytest.mark.slow
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_whatever_happens_in_many_more_histories_the_same_holds(
    build: BuildBench, *, run_async: bool
) -> None:
    done = play_histories(build(run_async), range(50, 300))

    assert done.keys() >= {"released", "no picture", "over", "slow"}


# --- Mutants of the real code, each of which some history must tell from it -------------------


def trust_the_run(ledger: Ledger, entry: LedgerEntry) -> bool:
    """A claim is over with its run, though its step lives."""
    return ledger._is_run_dead(entry.run_id) or is_abandoned(ledger, entry)


is_abandoned = Ledger.is_abandoned


def trust_nobody_elsewhere(ledger: Ledger, entry: LedgerEntry) -> bool:
    """Who cannot be asked is taken for dead at once."""
    return ledger.life_of(entry) != "alive"


def renew_without_a_look(ledger: Ledger, entry: LedgerEntry) -> LedgerEntry:
    """A claim is the holder's for ever."""
    del ledger
    return entry


def write_without_condition(
    objects: LedgerObjects, entry: LedgerEntry, *, over: LedgerEntry | None
) -> LedgerEntry:
    """Whoever writes last is right."""
    del over
    key, data = ledger_key(entry.fingerprint), entry.to_bytes()
    return replace(entry, etag=objects._store.put(key, data, content_type="application/json"))


def drop_the_reply(ledger: Ledger, claim: LedgerEntry, accepted: AcceptedCall) -> LedgerEntry:
    """A reply is noted only by who still holds the claim."""
    return ledger._change(claim, **accepted.as_changes())


def forget_what_is_accepted(rules: SendRules, entry: LedgerEntry, **told: Any) -> Standing:  # noqa: ANN401
    """A paid picture is sent for again, and not fetched."""
    standing = standing_of(rules, entry, **told)
    return "buy" if standing == "accepted" else standing


standing_of = SendRules.standing_of


def send_at_any_time(caller: Caller, *args: Any, send_by: float) -> Any:  # noqa: ANN401
    """Who has slept past its lease sends all the same."""
    del send_by
    return call(caller, *args, send_by=float("inf"))


call = Caller.call


def keep_nothing(ledger: Ledger, entry: LedgerEntry) -> None:
    """A second paid reply is not kept."""
    del ledger, entry


def count_nothing(
    ledger: Ledger, request: ImageRequest, previous: LedgerEntry | None
) -> LedgerEntry:
    """What is sent again after an unknown outcome is not counted."""
    if previous is not None and previous.state in {"claimed", "unknown"}:
        previous = replace(previous, possibly_paid_twice=previous.possibly_paid_twice - 1)
    return claim(ledger, request, previous)


claim = Ledger.claim


def forget_the_unknown(
    ledger: Ledger, entry: LedgerEntry, previous: LedgerEntry | None, reason: str
) -> LedgerEntry:
    """A claim that sent nothing leaves nothing of the unknown send before it."""
    before = previous.possibly_paid_twice if previous else 0
    return ledger._change(entry, state="failed", reason=reason, possibly_paid_twice=before)


def take_no_reply_for_paid(ledger: Ledger, entry: LedgerEntry, reason: str) -> LedgerEntry:
    """A call without a reply is taken for one that made nothing."""
    return ledger.record_failed(entry, reason)


def miss_every_beat(keeper: ClaimKeeper) -> None:
    """No claim is ever renewed."""
    del keeper


MUTANTS = [
    (Ledger, "is_abandoned", trust_the_run),
    (Ledger, "is_abandoned", trust_nobody_elsewhere),
    (Ledger, "renew", renew_without_a_look),
    (LedgerObjects, "write", write_without_condition),
    (Ledger, "record_reply", drop_the_reply),
    (SendRules, "standing_of", forget_what_is_accepted),
    (Caller, "call", send_at_any_time),
    (Ledger, "keep_extra_reply", keep_nothing),
    (Ledger, "claim", count_nothing),
    (Ledger, "record_not_sent", forget_the_unknown),
    (Ledger, "record_unknown", take_no_reply_for_paid),
    (ClaimKeeper, "renew_due", miss_every_beat),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "name", "mutant"), MUTANTS, ids=[mutant.__name__ for _, _, mutant in MUTANTS]
)
def test_a_mutant_of_the_code_is_caught(
    build: BuildBench,
    monkeypatch: pytest.MonkeyPatch,
    changed: type,
    name: str,
    mutant: Callable[..., Any],
) -> None:
    benches = [build(run_async) for run_async in (False, True)]
    monkeypatch.setattr(changed, name, mutant)

    with pytest.raises(ProtocolError):
        play_in_turn(benches)


def play_in_turn(benches: list[Bench]) -> None:
    """The same histories for each bench, a few at a time."""
    for start in range(0, 400, 20):
        for bench in benches:
            play_histories(bench, range(start, start + 20))
