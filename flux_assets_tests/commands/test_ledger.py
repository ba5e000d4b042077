"""`flux-assets ledger` as a person runs it: what waits, and what is bought once it is released."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from flux_assets.bill.process_identity import this_process
from flux_assets.commands.calling import EX_USAGE
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ledger_key
from flux_assets_tests.fixtures.command_line import Finished, Workplace, make_workplace

HERO = ("--shots", "hero")
ELSEWHERE = {"host": "another", "boot_id": "another", "pid": 1, "start_ticks": 1}
LONG_AGO = 1_000_000_000
UNKNOWN = {"state": "unknown", "attempts": 2, "reason": "no reply", "uuid": ""}
NOWHERE = {"result_keys": [], "temporary_url": ""}
LEFT: dict[str, dict[str, object]] = {
    "00123": {"state": "refused", "reason": "moderated", "uuid": ""},
    "JWL-100": {"state": "failed", "attempts": 2, "reason": "broken down", "uuid": ""},
    "CL-3001": {"state": "lost", "reason": "its URL has expired", "uuid": "forgotten", **NOWHERE},
    "OUT-12": {"state": "stored"},
    "JWL.7/01": UNKNOWN,
}


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def entries(workplace: Workplace) -> dict[str, dict[str, Any]]:
    """Each product's ledger entry; one shot was bought."""
    found = [json.loads(path.read_text()) for path in workplace.store.glob("ledger/*/*.json")]
    return {entry["request"]["product_id"]: entry for entry in found}


def leave(workplace: Workplace, product_id: str, facts: dict[str, object]) -> Path:
    """Remove a product's picture, and let its ledger entry say this."""
    entry = entries(workplace)[product_id]
    (workplace.store / entry["lineage"]["object_key"]).unlink()
    if facts["state"] != "stored":
        del entry["lineage"]
    fingerprint = entry["fingerprint"]
    key = ledger_key(fingerprint)
    data = json.dumps(entry | facts).encode()
    DirectoryStore(workplace.store).put(key, data, content_type="application/json")
    return workplace.store / key


def plain(done: Finished) -> str:
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.slow
def test_every_kind_is_listed_released_planned_and_bought_again(workplace: Workplace) -> None:
    assert workplace.run("refresh", *HERO).exit_code == 2
    for product_id, facts in LEFT.items():
        leave(workplace, product_id, facts)

    listed = workplace.run("ledger", "--json").json
    assert {item["product_id"]: item["state"] for item in listed["entries"]} == {
        "00123": "refused",
        "JWL-100": "failed",
        "CL-3001": "lost",
        "OUT-12": "missing",
        "JWL.7/01": "held",
    }
    assert listed["counts"] == dict.fromkeys(
        ["held", "refused", "failed", "lost", "missing"], 1
    ) | {"unknown": 0, "unfetched": 0, "undecoded": 0}
    before = workplace.run("refresh", *HERO, "--json")
    assert before.json["calls"] == 0

    unasked = workplace.run("ledger", "release", "--state", "lost")
    assert unasked.exit_code == 1
    assert "may pay a second time for 1 picture, about 0.07 USD" in plain(unasked)
    assert "nothing was released" in plain(unasked)
    named = [item["fingerprint"][:8] for item in listed["entries"]]
    released = workplace.run("ledger", "release", "--yes", *named)
    assert released.exit_code == 0, released.stderr
    assert "Released: 5." in released.stdout
    assert "No request waits" in workplace.run("ledger").stdout

    assert workplace.run("plan", *HERO, "--json").json["to_buy"] == 5
    bought = workplace.run("refresh", *HERO, "--json")
    assert (bought.json["generated"], bought.json["calls"]) == (5, 5)
    assert bought.json["possibly_paid_twice"] == 3, "lost, missing and without a reply"
    assert workplace.run("verify", "--deep", "--json").exit_code == 0, "and the manifest follows"


def test_what_was_refused_or_failed_is_released_without_a_question(workplace: Workplace) -> None:
    workplace.run("refresh", *HERO, "--product-ids", "00123")
    leave(workplace, "00123", LEFT["00123"])
    released = workplace.run("ledger", "release", "--state", "refused", "--product-ids", "00123")
    assert released.exit_code == 0, released.stderr
    assert entries(workplace)["00123"]["attempts"] == 0


@pytest.mark.slow
def test_an_abandoned_claim_is_released_and_a_living_one_is_not(workplace: Workplace) -> None:
    both = (*HERO, "--product-ids", "00123", "--product-ids", "OUT-12")
    workplace.run("refresh", *both)
    claim: dict[str, object] = {"state": "claimed", "uuid": "", "run_id": "unknown-run"}
    alive = this_process()
    process = {name: getattr(alive, name) for name in ELSEWHERE}
    leave(workplace, "00123", {**claim, "process": process})
    path = leave(workplace, "OUT-12", {**claim, "process": ELSEWHERE})
    os.utime(path, (LONG_AGO, LONG_AGO))

    listed = workplace.run("ledger", "--json").json
    assert {item["product_id"]: item["state"] for item in listed["entries"]} == {
        "00123": "held",
        "OUT-12": "unknown",
    }
    refused = workplace.run("ledger", "release", "--state", "held", "--state", "unknown", "--yes")
    assert refused.exit_code == 1
    assert "in the hands of run unknown-run, step" in plain(refused)
    assert f"process {alive.pid}, which is not proven to have ended" in plain(refused)
    assert entries(workplace)["OUT-12"]["state"] == "claimed", "none is released"

    assert workplace.run("ledger", "release", "--state", "unknown", "--yes").exit_code == 0
    bought = workplace.run(
        "refresh", *HERO, "--product-ids", "00123", "--product-ids", "OUT-12", "--json"
    )
    assert (bought.json["calls"], bought.json["held"]) == (1, 1)


def test_a_release_names_what_it_is_to_release(workplace: Workplace) -> None:
    workplace.make_store()
    assert workplace.run("ledger", "release").exit_code == EX_USAGE
    nothing = workplace.run("ledger", "release", "--state", "lost", "--yes")
    assert nothing.exit_code == 1
    assert "no request that waits is so chosen; nothing was released" in plain(nothing)
    before_its_name = workplace.run("ledger", "--state", "lost", "release", "0" * 8)
    assert before_its_name.exit_code == EX_USAGE
    assert "come after its name" in plain(before_its_name)
