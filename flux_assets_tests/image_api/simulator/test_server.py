import asyncio
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from flux_assets.image_api.simulator.options import SAMPLE_KEY, SimulatorOptions
from flux_assets.image_api.simulator.server import RunningSimulator, running_simulator
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets_tests.fixtures.simulators import StartSimulator, post_call


def test_96_calls_can_be_open_at_once(start_simulator: StartSimulator) -> None:
    opened = 0
    all_open = asyncio.Event()

    async def until_all_are_open(_seconds: float) -> None:
        nonlocal opened
        opened += 1
        if opened == 96:
            all_open.set()
        await all_open.wait()

    simulator = start_simulator(sleep=until_all_are_open)
    with ThreadPoolExecutor(96) as pool:
        statuses = pool.map(lambda n: post_call(simulator, f"mug {n}").status_code, range(96))
        assert set(statuses) == {200}


def test_an_open_call_neither_blocks_another_nor_falls_with_it(
    start_simulator: StartSimulator,
) -> None:
    opened, release = threading.Event(), threading.Event()

    async def until_released(seconds: float) -> None:
        if seconds:
            opened.set()
            await asyncio.to_thread(release.wait, 10)

    faults = {"script": ["slow_reply", None, "lost_reply"]}
    simulator = start_simulator(sleep=until_released, faults=faults)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post_call, simulator, "slow mug")
        assert opened.wait(10)
        assert post_call(simulator, "quick mug").status_code == 200
        with pytest.raises(requests.ConnectionError):
            post_call(simulator, "lost mug")
        assert not waiting.done()
        release.set()
        assert waiting.result().status_code == 200


def test_it_ends_though_calls_and_idle_connections_are_open(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    opened = threading.Event()

    async def for_ever(_seconds: float) -> None:
        opened.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as pool, requests.Session() as idle:
        with running_simulator(tmp_path, options=SimulatorOptions(), sleep=for_ever) as simulator:
            assert idle.get(f"{simulator.base_url}/models", timeout=10).status_code == 200
            waiting = pool.submit(post_call, simulator, "a mug")
            assert opened.wait(10)
        assert isinstance(waiting.exception(timeout=10), requests.ConnectionError)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{simulator.base_url}/models", timeout=10)


def test_beside_other_work_it_leaves_signals_alone(start_simulator: StartSimulator) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert post_call(start_simulator(), "a mug").status_code == 200
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


_SERVE = """
import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.server import serve
options = SimulatorOptions(megapixels=0.01, latency_seconds=float(sys.argv[2]))
serve(Path(sys.argv[1]), options=options, port=0, announce=partial(print, flush=True))
"""


@contextmanager
def _simulator_process(
    state_dir: Path, latency_seconds: float
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The base URL and process of a simulator that serves alone; killed at the end."""
    with subprocess.Popen(  # noqa: S603  # our own interpreter with our own text
        [sys.executable, "-c", _SERVE, str(state_dir), str(latency_seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_what_a_killed_process_had_begun_is_paid_and_found_by_the_next(
    tmp_path: Path, start_simulator: StartSimulator
) -> None:
    state = SimulatorState(tmp_path / "simulator")
    with (
        ThreadPoolExecutor(1) as pool,
        _simulator_process(tmp_path / "simulator", 3600) as (base_url, process),
    ):
        killed = RunningSimulator(base_url=base_url, port=0, state=state)
        waiting = pool.submit(post_call, killed, "a mug")
        while not state.read_bill():
            assert not waiting.done()
        process.kill()
        assert isinstance(waiting.exception(timeout=10), requests.ConnectionError)
    (line,) = state.read_bill()
    reply = requests.get(
        f"{start_simulator().base_url}/api/results/{line.uuid}",
        headers={"API-KEY": SAMPLE_KEY},
        timeout=10,
    )
    assert reply.json()["aiRecord"]["status"] == "PROCESSING"


def test_a_caller_that_is_killed_in_the_middle_of_its_request_is_no_error(tmp_path: Path) -> None:
    head = ("POST /api/features HTTP/1.1", "Host: here", f"API-KEY: {SAMPLE_KEY}")
    begun = "\r\n".join([*head, "Content-Length: 99", "", "{"])
    with _simulator_process(tmp_path, 0) as (base_url, process):
        address = urlsplit(base_url)
        with socket.create_connection((address.hostname, address.port)) as caller:
            caller.sendall(begun.encode())
        assert requests.get(f"{base_url}/models", timeout=10).status_code == 200
        process.terminate()
        _out, errors = process.communicate(timeout=20)
    assert errors == ""


def test_alone_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    with _simulator_process(tmp_path, 0) as (base_url, process):
        assert requests.get(f"{base_url}/models", timeout=10).status_code == 200
        process.send_signal(signal.SIGTERM)
        _out, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert errors == ""
