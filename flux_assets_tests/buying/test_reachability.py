import socket
from pathlib import Path

import pytest

from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.reachability import GIVE_UP_AFTER_SECONDS, Reachability
from flux_assets.errors import NoConnectionError
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.image_requests import build_requests
from flux_assets_tests.fixtures.purchases import build_bench
from flux_assets_tests.fixtures.simulators import StartSimulator


def test_a_run_without_any_network_stops_soon_and_says_why(
    tmp_path: Path, start_simulator: StartSimulator
) -> None:
    bench = build_bench(tmp_path, start_simulator)
    started = bench.clock.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    run = bench.open(base_url=nowhere)

    outcomes = run.generate(build_requests(40))

    assert bench.paid == 0
    assert {outcome.kind for outcome in outcomes} <= {"failed", "not_attempted"}
    assert sum(outcome.kind == "not_attempted" for outcome in outcomes) >= 30
    assert bench.clock.monotonic() - started < 3 * GIVE_UP_AFTER_SECONDS
    reason = run.stop.reason()
    assert reason.startswith("the API could not be reached for ")
    assert "ConnectionRefusedError" in reason
    assert "nothing answers at 127.0.0.1" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("answers", [True, False])
def test_only_what_lasts_stops_a_run(tmp_path: Path, *, answers: bool) -> None:
    clock = StandingClock()
    stop = RunStop(DirectoryStore(tmp_path), "run-1")
    reachability = Reachability(stop, clock)
    for _ in range(100):
        reachability.note_no_connection(NoConnectionError("refused"))
    assert not stop.event.is_set()
    clock.sleep(GIVE_UP_AFTER_SECONDS)
    if answers:
        reachability.note_answer()
    reachability.note_no_connection(NoConnectionError("refused"))
    assert stop.event.is_set() is not answers
