"""The server as a process of its own, as a person starts and ends it."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from flux_assets.commands.reviewing import ReviewError, is_loopback
from flux_assets.errors import SettingsError
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decision_log import log_batch, read_batches
from flux_assets.publishing.decisions import finish_interrupted, read_decisions
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.open_store import ensure_store_identity
from flux_assets_tests.fixtures.command_line import COMMAND, Workplace, make_workplace
from flux_assets_tests.fixtures.masters import draw_product, store_masters

_ROUNDS = 12


@contextmanager
def serving(workplace: Workplace, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server on a free port, and its address."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [str(COMMAND), "review", "--port", "0", *arguments],
        cwd=workplace.folder,
        env=workplace.environ({}),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        found = re.search(r"http://\S+", told)
        assert found, told + process.stderr.read()
        try:
            yield process, found[0]
        finally:
            process.kill()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - on this machine
        data: bytes = reply.read()
    return data


class Browser:
    """A page that is open, and what it sends."""

    def __init__(self, url: str) -> None:
        self.url = url
        text = get(f"{url}/").decode()
        [self.token] = re.findall(r'data-token="([^"]*)"', text)
        [self.folder] = re.findall(r'data-folder="([^"]*)"', text)

    def rows(self) -> list[list[Any]]:
        text = get(f"{self.url}{self.folder}rows/0.js").decode()
        rows: list[list[Any]] = json.loads(f"[{text[text.index('(') + 1 : text.rindex(')')]}]")[1]
        return rows

    def decide(self, items: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
        request = urllib.request.Request(  # noqa: S310 - on this machine
            f"{self.url}/api/decisions",
            json.dumps({"decisions": items}).encode(),
            {
                "Content-Type": "application/json",
                "Origin": self.url,
                "X-Flux-Assets-Token": self.token,
            },
        )
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - as above
            found: list[dict[str, Any]] = json.loads(reply.read())["items"]
        return found


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    workplace = make_workplace(tmp_path / "project")
    store = DirectoryStore(workplace.store)
    ensure_store_identity(store, mode="sample", api_origin="simulator", shop=None)
    picture = draw_product()
    store_masters(store, {(f"{number:03}", "hero"): picture for number in range(100)})
    return workplace


@pytest.mark.parametrize(
    "kill_after",
    [3, *(pytest.param(it, marks=pytest.mark.slow) for it in (1, 9))],
)
def test_a_server_that_is_killed_amid_a_batch_loses_no_decision_that_it_acknowledged(
    workplace: Workplace, kill_after: int
) -> None:
    acknowledged: dict[str, tuple[int, str]] = {}
    answers = threading.Semaphore(0)

    def decide_on_and_on(url: str) -> None:
        browser = Browser(url)
        revisions: dict[str, int] = {}
        rows = browser.rows()
        with suppress(OSError, ValueError):  # it is gone
            for number in range(_ROUNDS):
                verdict = "rejected" if number % 2 else "approved"
                items = [
                    {
                        "fingerprint": row[2],
                        "sha256": row[3],
                        "revision": revisions.get(row[2], 0),
                        "verdict": verdict,
                    }
                    for row in rows
                ]
                for answer in browser.decide(items):
                    assert answer["status"] == "applied"
                    revisions[answer["fingerprint"]] = answer["revision"]
                    acknowledged[answer["fingerprint"]] = (answer["revision"], verdict)
                answers.release()

    with serving(workplace) as (process, url):
        browser = threading.Thread(target=decide_on_and_on, args=(url,))
        browser.start()
        for _ in range(kill_after):
            assert answers.acquire(timeout=60)
        process.send_signal(signal.SIGKILL)
        browser.join()
    store = DirectoryStore(workplace.store)
    finish_interrupted(store)
    found = read_decisions(store)
    assert len(acknowledged) == 100
    for fingerprint, (revision, verdict) in acknowledged.items():
        made = found.find(fingerprint)
        assert made is not None
        chain = {it.revision: it.verdict for it in (made, *made.history)}
        assert chain[revision] == verdict
    assert {batch.by for batch in read_batches(store)} == {found.find(fingerprint).by}  # type: ignore[union-attr]  # asserted above


def test_what_an_earlier_server_noted_and_did_not_apply_is_made_and_told(
    workplace: Workplace,
) -> None:
    store = DirectoryStore(workplace.store)
    with serving(workplace) as (_, url):
        rows = Browser(url).rows()
    wishes = [
        Wish(fingerprint=row[2], sha256=row[3], verdict="approved", seen_revision=0)
        for row in rows[:7]
    ]
    batch = log_batch(store, wishes, by="ann", via="review")
    assert [*read_decisions(store)] == []
    with serving(workplace) as (process, _):
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(2)]
    assert told[-1] == "Decisions that an earlier end cut off, made now: 7.\n"
    made = [*read_decisions(store)]
    assert {it.fingerprint for it in made} == {wish.fingerprint for wish in wishes}
    assert {it.batch for it in made} == {batch.batch}


@pytest.mark.slow
def test_it_ends_quietly_when_told_to_and_serves_without_channels(workplace: Workplace) -> None:
    with serving(workplace) as (process, url):
        assert get(f"{url}/healthz") == b"ok"
        assert len(Browser(url).rows()) == 100
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert process.wait(timeout=60) == 0


def test_no_address_that_others_reach_is_served_without_a_proxy(workplace: Workplace) -> None:
    done = workplace.run("review", "--port", "0", "--bind", "0.0.0.0")  # noqa: S104 - it is refused
    assert done.exit_code == 1
    told = " ".join(done.stderr.split())
    assert "--bind 0.0.0.0 is an address that others reach" in told
    assert "FLUX_ASSETS_REVIEW_PROXY_SECRET" in told


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        *((it, True) for it in ("127.0.0.1", "127.8.9.1", "::1")),
        *((it, False) for it in ("0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "fe80::1")),  # noqa: S104
    ],
)
def test_only_loopback_is_this_machine_alone(address: str, *, is_own: bool) -> None:
    assert is_loopback(address) is is_own


@pytest.mark.parametrize("address", ["localhost", "", "127.0.0.1.evil.example", "127.1"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ReviewError, match="is no address, such as"):
        is_loopback(address)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"FLUX_ASSETS_REVIEW_HOST": "pictures.example.com"},
            "FLUX_ASSETS_REVIEW_USER_HEADER: is required where FLUX_ASSETS_REVIEW_HOST is set",
        ),
        (
            {
                "FLUX_ASSETS_REVIEW_HOST": "pictures.example.com",
                "FLUX_ASSETS_REVIEW_USER_HEADER": "X-Forwarded-Email",
            },
            "FLUX_ASSETS_REVIEW_PROXY_SECRET: is required",
        ),
        (
            {"FLUX_ASSETS_REVIEW_PROXY_SECRET": "x" * 31},
            "FLUX_ASSETS_REVIEW_PROXY_SECRET: must have 32 characters or more",
        ),
        ({"FLUX_ASSETS_REVIEW_HOST": "https://x"}, "FLUX_ASSETS_REVIEW_HOST: is a host's name"),
        ({"FLUX_ASSETS_REVIEW_USER_HEADER": "a b"}, "FLUX_ASSETS_REVIEW_USER_HEADER: is no header"),
    ],
)
def test_half_a_proxy_is_told_and_its_secret_never(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert told in str(caught.value)
    assert "x" * 31 not in str(caught.value)


def test_what_is_missing_to_review_is_told(workplace: Workplace, tmp_path: Path) -> None:
    asked = workplace.run("review", "--allow-rerolls")
    assert "FLUX_ASSETS_OVERRIDES: is not set" in asked.stderr
    named = workplace.run("review", "--bind", "localhost")
    assert "--bind localhost is no address, such as 127.0.0.1" in named.stderr
    empty = make_workplace(tmp_path / "empty").run("review")
    assert "there is no store at" in empty.stderr
    assert (asked.exit_code, named.exit_code, empty.exit_code) == (1, 1, 1)


def test_a_taken_port_is_told(workplace: Workplace) -> None:
    with serving(workplace) as (_, url):
        port = url.rpartition(":")[2]
        done = workplace.run("review", "--port", port)
    assert done.exit_code == 1
    assert f"127.0.0.1, port {port}: {os.strerror(98)}" in " ".join(done.stderr.split())
