"""A run's claims of the pool's slots: how they wait, for whom, and how they end."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._utils.interrupts import capture_interrupts

from flux_assets.bill.process_identity import ProcessIdentity, this_process
from flux_assets.defs.executors import build_executor
from flux_assets.defs.names import Names
from flux_assets.defs.run_processes import RunProcess, log_process, read_processes
from flux_assets.defs.waiting import PatientClaims, wait_patiently
from flux_assets.settings import load_settings
from flux_assets_tests.defs.conftest import OpenPooled

POOL = "flux_2_max"
DEAD = replace(this_process(), start_ticks=1)


@dg.op(pool=POOL)
def buy() -> None:
    """A step that takes its turn."""


@dg.job(executor_def=wait_patiently(dg.in_process_executor, Names()))
def refresh_catalog_images() -> None:
    buy()


@pytest.fixture
def instance(open_pooled: OpenPooled) -> Iterator[dg.DagsterInstance]:
    with open_pooled(1) as instance:
        yield instance


def _hold_slot(instance: dg.DagsterInstance, process: ProcessIdentity) -> dg.DagsterRun:
    """A run whose process, this one, has the only slot."""
    run = instance.create_run_for_job(refresh_catalog_images, status=dg.DagsterRunStatus.STARTED)
    for step in ("", "buy"):
        log_process(instance, run, RunProcess(step=step, process=process))
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "buy").is_claimed
    return run


def _claims(instance: dg.DagsterInstance, kind: Any = PatientClaims) -> Any:  # noqa: ANN401 - Dagster's own
    run = instance.create_run_for_job(refresh_catalog_images)
    return kind(instance, run, names=Names())


def test_a_claim_gets_the_slot_of_the_dead_as_soon_as_it_has_looked(
    instance: dg.DagsterInstance,
) -> None:
    dead = _hold_slot(instance, DEAD)
    with _claims(instance) as claims:
        assert not claims.claim(POOL, "buy")
        assert claims.claim(POOL, "buy")
    found = instance.get_run_by_id(dead.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.FAILURE


def test_a_claim_waits_for_the_living_with_pauses_and_logs_once_for_whom(
    instance: dg.DagsterInstance,
) -> None:
    holder = _hold_slot(instance, this_process())
    with _claims(instance) as claims:
        assert not any(claims.claim(POOL, "buy") for _ in range(20))
        assert claims.interval_to_next_pending_claim_check() > 0
        run_ids = [run.run_id for run in instance.get_runs() if run.run_id != holder.run_id]
        told = [
            entry.message
            for entry in instance.all_logs(run_ids[0])
            if "Waiting for the pool" in entry.message
        ]
    assert len(told) == 1
    assert holder.run_id[:8] in told[0]
    assert not instance.event_log_storage.get_concurrency_info(POOL).pending_step_count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_in_this_process_that_waits_hears_the_signal_that_ends_it(
    instance: dg.DagsterInstance, number: signal.Signals
) -> None:
    _hold_slot(instance, this_process())
    with capture_interrupts():
        os.kill(os.getpid(), number)
        with pytest.raises(DagsterExecutionInterruptedError):
            dg.execute_job(dg.reconstructable(_get_job), instance, raise_on_error=True)


def _get_job() -> dg.JobDefinition:
    return refresh_catalog_images


@pytest.mark.parametrize("name", ["in_process", "multiprocess", "celery", "k8s"])
def test_every_executor_keeps_its_name_and_settings(name: str) -> None:
    settings = load_settings(
        {"FLUX_ASSETS_EXECUTOR": name, "FLUX_ASSETS_CELERY_BROKER": "redis://127.0.0.1:1/0"}
    )
    executor = build_executor(settings, Names())
    assert executor.name == name
    assert executor.config_schema


def test_a_runs_log_says_which_process_runs_it(instance: dg.DagsterInstance) -> None:
    with dg.execute_job(dg.reconstructable(_get_job), instance) as result:
        assert result.success
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        assert read_processes(instance, run) == [RunProcess(step="", process=this_process())]
