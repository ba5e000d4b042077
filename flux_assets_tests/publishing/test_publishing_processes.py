"""Runs that publish at once as processes, one of them killed, while people decide."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import pytest

from flux_assets.publishing.decisions import finish_interrupted, read_decisions
from flux_assets.publishing.editions import list_numbers, read_edition
from flux_assets.publishing.publish import publish
from flux_assets.storage.object_store import ObjectStore
from flux_assets_tests.fixtures.editions import picture
from flux_assets_tests.fixtures.publishing_child import PUBLICATION, products
from flux_assets_tests.fixtures.stores import store_environ

PRODUCTS = 100
A_DAYS_SHARE = 10


def start(module: str, environ: Mapping[str, str], **order: object) -> "subprocess.Popen[str]":
    child = subprocess.Popen(  # noqa: S603 # our own interpreter
        [sys.executable, "-m", f"flux_assets_tests.fixtures.{module}", json.dumps(order)],
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def run_at_once(children: "list[subprocess.Popen[str]]") -> list[str]:
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    return [child.communicate(timeout=300)[0] for child in children]


@pytest.mark.slow
def test_eight_processes_at_once_make_one_edition_whoever_of_them_dies(
    any_store: ObjectStore, request: pytest.FixtureRequest
) -> None:
    """Two die as soon as they claimed the number, two once they wrote their first file."""
    publish(any_store, PUBLICATION, products(PRODUCTS, 1))
    environ = os.environ | store_environ(any_store, request)
    order = {"store": any_store.uri, "products": PRODUCTS, "take": 2}
    children = [
        start("publishing_child", environ, **order, kill_at_write=kill_at)
        for kill_at in (1, 1, 2, 2, 0, 0, 0, 0)
    ]
    told = [json.loads(text) for text in run_at_once(children) if text]
    assert {child.returncode for child in children} <= {0, -signal.SIGKILL}
    assert sum(it["is_new"] for it in told) <= 1
    assert {it["number"] for it in told} == {2}
    assert list_numbers(any_store, "google") == [1, 2]
    last = read_edition(any_store, "google", 2)
    assert last.switched == A_DAYS_SHARE
    assert not publish(any_store, PUBLICATION, products(PRODUCTS, 2)).is_new
    lines = any_store.get("publishing/feeds/google.tsv").data.decode().splitlines()[1:]
    shown = {it.product_id: it.showings[0].picture.object_key for it in last.products.values()}
    assert {line.split("\t")[0]: line.split("\t")[1] for line in lines} == {
        name: f"https://pictures.invalid/{key}" for name, key in shown.items()
    }


@pytest.mark.slow
def test_what_people_reject_while_runs_publish_is_shown_by_no_later_edition(
    any_store: ObjectStore, request: pytest.FixtureRequest
) -> None:
    publish(any_store, PUBLICATION, products(PRODUCTS, 1))
    environ = os.environ | store_environ(any_store, request)
    pictures = [picture(f"{number} take {take}") for number in range(15) for take in (1, 2)]
    sha256 = {it.fingerprint: it.master_sha256 for it in pictures}
    people = [
        start(
            "deciding_child",
            environ,
            store=any_store.uri,
            by=name,
            fingerprints=[*sha256],
            sha256=sha256,
            rounds=2,
            kill_at_write=kill_at,
            kill_after_write=False,
        )
        for name, kill_at in (("ada", 0), ("grace", 3))
    ]
    runs = [
        start(
            "publishing_child",
            environ,
            store=any_store.uri,
            products=PRODUCTS,
            take=2,
            kill_at_write=0,
        )
        for _ in range(2)
    ]
    run_at_once([*people, *runs])
    assert [child.returncode for child in (*people, *runs)] == [0, -signal.SIGKILL, 0, 0]
    finish_interrupted(any_store)
    publish(any_store, PUBLICATION, products(PRODUCTS, 2))
    decisions = read_decisions(any_store)
    verdicts = [decisions.verdict_of(it.fingerprint, it.master_sha256) for it in pictures]
    assert verdicts.count("rejected") >= len(pictures) / 2
    last = read_edition(any_store, "google", list_numbers(any_store, "google")[-1])
    for found in last.products.values():
        for it in found.showings:
            assert decisions.verdict_of(it.picture.fingerprint, it.picture.master_sha256) != (
                "rejected"
            )
