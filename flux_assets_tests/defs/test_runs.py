"""Which runs are proven dead, and what becomes of them and of the slots that they held."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData

from flux_assets.bill.process_identity import ProcessIdentity, this_process
from flux_assets.defs.names import Names
from flux_assets.defs.run_processes import (
    PROCESS_TAG,
    RunProcess,
    announce_process,
    log_process,
    process_tags,
)
from flux_assets.defs.runs import RunEndError, end_by_hand, end_dead_runs, find_refresh, find_runs
from flux_assets.defs.waited_for import describe_wait
from flux_assets_tests.defs.conftest import OpenPooled
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop

POOL = "flux_2_max"
STEP = "refreshed_images.generate_shard[00000]"
ALIVE = this_process()
DEAD = replace(ALIVE, start_ticks=1)  # another process has this one's id now
REBOOTED = replace(ALIVE, boot_id="the boot before")
ELSEWHERE = replace(ALIVE, host="another-machine pid:[4026531836]")
UNPROVABLE = ProcessIdentity(host="", boot_id="", pid=1, start_ticks=0)


@pytest.fixture
def shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_pooled: OpenPooled
) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001") as shop, open_pooled(2) as shop.instance:
        yield shop


def _start_run(
    shop: DagsterShop,
    *processes: ProcessIdentity,
    status: DagsterRunStatus = DagsterRunStatus.STARTED,
    tags: dict[str, str] | None = None,
    **steps: ProcessIdentity,
) -> dg.DagsterRun:
    """A run that these processes run, and whose steps these others work on."""
    job = shop.definitions.resolve_job_def("refresh_catalog_images")
    run = shop.instance.create_run_for_job(job, status=status, tags=tags)
    for step, process in [*(("", each) for each in processes), *steps.items()]:
        log_process(shop.instance, run, RunProcess(step=step, process=process))
    return run


def _claim(shop: DagsterShop, run: dg.DagsterRun, step: str) -> bool:
    """Whether a step has a slot of the pool now."""
    storage = shop.instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(POOL)
    return bool(storage.claim_concurrency_slot(POOL, run.run_id, step).is_claimed)


def _held(shop: DagsterShop) -> set[tuple[str, str]]:
    found = shop.instance.event_log_storage.get_concurrency_info(POOL)
    return {(slot.run_id, slot.step_key) for slot in found.claimed_slots}


def _end_step(shop: DagsterShop, run: dg.DagsterRun, step: str, how: str) -> None:
    data: Any = {
        "STEP_SUCCESS": StepSuccessData(duration_ms=1.0),  # type: ignore[no-untyped-call]
        "STEP_FAILURE": StepFailureData(None, None),  # type: ignore[no-untyped-call]
    }[how]
    event = dg.DagsterEvent(how, run.job_name, step_key=step, event_specific_data=data)
    shop.instance.report_dagster_event(event, run.run_id)


def _status(shop: DagsterShop, run: dg.DagsterRun) -> DagsterRunStatus:
    found = shop.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_whose_process_is_gone_fails_with_the_reason_and_frees_its_slot(
    shop: DagsterShop,
) -> None:
    run = _start_run(shop, DEAD, generate=DEAD)
    assert _claim(shop, run, "generate")
    [ended] = end_dead_runs(shop.instance, Names())
    assert ended.run_id == run.run_id
    assert f"process {DEAD.pid}" in ended.reason
    assert (_status(shop, run), _held(shop)) == (DagsterRunStatus.FAILURE, set())
    messages = [entry.message for entry in shop.instance.all_logs(run.run_id)]
    assert ended.reason in messages[-1] or any(ended.reason in text for text in messages)
    assert not end_dead_runs(shop.instance, Names())


@pytest.mark.parametrize(
    "process",
    [ALIVE, REBOOTED, ELSEWHERE, UNPROVABLE],
    ids=["alive", "rebooted", "elsewhere", "unprovable"],
)
def test_where_nothing_is_proven_nothing_is_ended(
    shop: DagsterShop, process: ProcessIdentity
) -> None:
    run = _start_run(shop, process, generate=process)
    assert _claim(shop, run, "generate")
    assert not end_dead_runs(shop.instance, Names())
    assert (_status(shop, run), len(_held(shop))) == (DagsterRunStatus.STARTED, 1)


def test_a_run_that_never_said_who_it_is_is_not_ended(shop: DagsterShop) -> None:
    _start_run(shop)
    assert not end_dead_runs(shop.instance, Names())
    [found] = find_runs(shop.instance, Names())
    assert found.life == "unknown"


def test_a_run_lives_while_a_step_of_it_does(shop: DagsterShop) -> None:
    run = _start_run(shop, DEAD, one=DEAD, two=ALIVE)
    assert _claim(shop, run, "one")
    assert _claim(shop, run, "two")
    end_dead_runs(shop.instance, Names())
    assert _status(shop, run) == DagsterRunStatus.STARTED
    assert _held(shop) == {(run.run_id, "two")}, "only the dead step's slot is free"


def test_a_dead_step_of_a_run_that_lives_is_the_runs_own_matter(shop: DagsterShop) -> None:
    run = _start_run(shop, ALIVE, one=DEAD)
    assert _claim(shop, run, "one")
    end_dead_runs(shop.instance, Names())
    assert _held(shop) == {(run.run_id, "one")}


@pytest.mark.parametrize("how", ["STEP_SUCCESS", "STEP_FAILURE"])
def test_a_process_that_took_another_step_since_keeps_neither_run_nor_slot(
    shop: DagsterShop, how: str
) -> None:
    run = _start_run(shop, DEAD, one=ALIVE)  # a Celery worker's, which has long done that step
    assert _claim(shop, run, "one")
    _end_step(shop, run, "one", how)
    end_dead_runs(shop.instance, Names())
    assert (_status(shop, run), _held(shop)) == (DagsterRunStatus.FAILURE, set())


def test_a_slot_is_free_once_its_step_ends_after_its_run(shop: DagsterShop) -> None:
    run = _start_run(shop, DEAD, one=ALIVE, status=DagsterRunStatus.FAILURE)
    assert _claim(shop, run, "one")
    end_dead_runs(shop.instance, Names())
    assert _held(shop) == {(run.run_id, "one")}
    _end_step(shop, run, "one", "STEP_SUCCESS")
    end_dead_runs(shop.instance, Names())
    assert _held(shop) == set()


def test_a_run_that_lives_frees_what_its_ended_steps_held(shop: DagsterShop) -> None:
    run = _start_run(shop, ALIVE, one=ALIVE)
    assert _claim(shop, run, "one")
    _end_step(shop, run, "one", "STEP_FAILURE")  # which it may do again, with the same slot
    end_dead_runs(shop.instance, Names())
    assert _held(shop) == {(run.run_id, "one")}


def test_a_dead_run_that_was_being_cancelled_ends_cancelled(shop: DagsterShop) -> None:
    run = _start_run(shop, DEAD, status=DagsterRunStatus.CANCELING)
    end_dead_runs(shop.instance, Names())
    assert _status(shop, run) == DagsterRunStatus.CANCELED


@pytest.mark.parametrize("status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING])
def test_a_commands_run_that_died_before_it_began_is_known_by_its_tag(
    shop: DagsterShop, status: DagsterRunStatus
) -> None:
    tags = {PROCESS_TAG: json.dumps(asdict(DEAD))}
    run = _start_run(shop, status=status, tags=tags)
    alive = _start_run(shop, status=status, tags=process_tags())
    end_dead_runs(shop.instance, Names())
    assert _status(shop, run) == DagsterRunStatus.FAILURE
    assert _status(shop, alive) == status


def test_a_run_that_repeats_another_is_not_taken_for_that_ones_process(shop: DagsterShop) -> None:
    first = _start_run(shop, DEAD, tags={PROCESS_TAG: json.dumps(asdict(DEAD))})
    job = shop.definitions.resolve_job_def("refresh_catalog_images")
    again = shop.instance.create_run_for_job(
        job, tags=first.tags, parent_run_id=first.run_id, root_run_id=first.run_id
    )
    end_dead_runs(shop.instance, Names())
    assert _status(shop, again) == DagsterRunStatus.NOT_STARTED


@pytest.mark.parametrize("status", [DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED])
@pytest.mark.parametrize(("process", "is_free"), [(DEAD, True), (ALIVE, False), (ELSEWHERE, False)])
def test_an_ended_runs_slot_is_free_once_the_process_is_that_held_it(
    shop: DagsterShop, status: DagsterRunStatus, process: ProcessIdentity, *, is_free: bool
) -> None:
    run = _start_run(shop, DEAD, generate=process, status=status)
    assert _claim(shop, run, "generate")
    end_dead_runs(shop.instance, Names())
    assert (_held(shop) == set()) == is_free


@pytest.mark.slow
def test_who_waited_and_died_does_not_get_the_next_turn(shop: DagsterShop) -> None:
    at_work = _start_run(shop, ALIVE)
    waited = _start_run(shop, DEAD)
    for step in ("one", "two"):
        assert _claim(shop, at_work, step)
    assert not _claim(shop, waited, "three")
    [ended] = end_dead_runs(shop.instance, Names())
    assert ended.run_id == waited.run_id
    shop.instance.event_log_storage.free_concurrency_slot_for_step(at_work.run_id, "one")
    assert _claim(shop, _start_run(shop, ALIVE), "four")


def test_a_step_that_comes_after_its_run_was_ended_does_nothing(shop: DagsterShop) -> None:
    run = _start_run(shop, DEAD)
    announce_process(shop.instance, run, step="one")
    shop.instance.report_run_failed(run)
    announce_process(shop.instance, run, step="one")  # which had begun before
    with pytest.raises(dg.Failure, match="has ended already") as caught:
        announce_process(shop.instance, run, step="two")
    assert caught.value.allow_retries is False


def test_another_shops_run_is_left_alone(shop: DagsterShop) -> None:
    run = _start_run(shop, DEAD)
    assert not end_dead_runs(shop.instance, Names(shop="acme"))
    assert find_refresh(shop.instance, Names(shop="acme")) is None
    assert _status(shop, run) == DagsterRunStatus.STARTED


def test_a_run_of_chosen_pictures_is_one_of_the_shops(shop: DagsterShop) -> None:
    pictures = shop.instance.create_run_for_job(
        shop.definitions.resolve_implicit_global_asset_job_def(),
        asset_selection=frozenset({dg.AssetKey(["images", "hero"])}),
        status=DagsterRunStatus.STARTED,
    )
    other = shop.instance.create_run_for_job(
        shop.definitions.resolve_implicit_global_asset_job_def(), status=DagsterRunStatus.STARTED
    )
    for run in (pictures, other):
        log_process(shop.instance, run, RunProcess(step="", process=DEAD))
    end_dead_runs(shop.instance, Names())
    assert _status(shop, pictures) == DagsterRunStatus.FAILURE
    assert _status(shop, other) == DagsterRunStatus.STARTED


@pytest.mark.parametrize(
    ("process", "told"),
    [
        (ALIVE, f"process {ALIVE.pid} on"),
        (ELSEWHERE, "on another-machine cannot be seen from here; it may be at work"),
    ],
    ids=["alive", "elsewhere"],  # the same in each of the tests' processes
)
def test_who_waits_is_told_for_whom_since_when_and_what_to_do(
    shop: DagsterShop, process: ProcessIdentity, told: str
) -> None:
    holder, waits = _start_run(shop, process), _start_run(shop, ALIVE)
    for step in ("one", "two"):
        assert _claim(shop, holder, step)
    assert describe_wait(shop.instance, Names(), waits.run_id) == ""
    assert not _claim(shop, waits, "three")
    text = describe_wait(shop.instance, Names(), waits.run_id)
    assert told in text
    assert holder.run_id[:8] in text
    assert " since 20" in text
    assert ("flux-assets runs --end" in text) == (process is ELSEWHERE)


def test_a_person_may_end_what_is_not_proven_but_not_what_lives(shop: DagsterShop) -> None:
    unknown, alive = _start_run(shop, ELSEWHERE), _start_run(shop, ALIVE)
    assert _claim(shop, unknown, "one")
    ended = end_by_hand(shop.instance, Names(), unknown.run_id[:8])
    assert ended.run_id == unknown.run_id
    assert (_status(shop, unknown), _held(shop)) == (DagsterRunStatus.FAILURE, set())
    with pytest.raises(RunEndError, match=f"lives: process {ALIVE.pid} on"):
        end_by_hand(shop.instance, Names(), alive.run_id)
    with pytest.raises(RunEndError, match="is the beginning of 0 runs"):
        end_by_hand(shop.instance, Names(), unknown.run_id)


def test_a_person_may_free_the_slot_of_a_run_that_has_ended(shop: DagsterShop) -> None:
    run = _start_run(shop, ELSEWHERE, one=ELSEWHERE)
    assert _claim(shop, run, "one")
    shop.instance.report_run_failed(run)
    end_by_hand(shop.instance, Names(), run.run_id)
    assert _held(shop) == set()
