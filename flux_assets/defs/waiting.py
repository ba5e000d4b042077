"""How a run waits for its pool: idle, ended at once when it is told to, and not for the dead.

Dagster's own wait asks without a pause, in a process that is deaf to signals, whoever holds the
slot. Its loops stand here over claims of ours.
"""

import time
from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._utils.interrupts import pop_captured_interrupt

from flux_assets.defs.names import Names
from flux_assets.defs.run_processes import announce_process
from flux_assets.defs.runs import end_dead_runs
from flux_assets.defs.waited_for import describe_wait

_LOOK_SECONDS = 5
_PAUSE_SECONDS = 0.25


def wait_patiently(executor: dg.ExecutorDefinition, names: Names) -> dg.ExecutorDefinition:
    """The same executor, whose runs say which process they are, and wait as this module says."""

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        creation = executor.executor_creation_fn
        if creation is None:
            message = f"the executor {executor.name} cannot be made"
            raise ValueError(message)
        return _PatientExecutor(creation(context), names)

    return dg.ExecutorDefinition(
        name=executor.name,
        config_schema=executor.config_schema,  # type: ignore[arg-type]  # as Dagster's copies do
        requirements=executor.get_requirements,
        executor_creation_fn=create,
        description=executor.description,
    )


class _PatientExecutor(dg.Executor):
    """Runs the steps as `inner` does."""

    def __init__(self, inner: dg.Executor, names: Names) -> None:
        self._inner = inner
        self._names = names

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what Dagster asks its own kinds for
        return getattr(self._inner, name)

    @property
    def retries(self) -> Any:  # noqa: ANN401 - Dagster's RetryMode
        return self._inner.retries

    @property
    def step_dependency_config(self) -> Any:  # noqa: ANN401 - as above
        return self._inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:  # noqa: ANN401 - as above
        announce_process(plan_context.instance, plan_context.dagster_run)
        loop = _find_loop(self._inner, self._names)
        yield from loop(self._inner, plan_context, execution_plan)


def _find_loop(executor: dg.Executor, names: Names) -> Any:  # noqa: ANN401 - a method of Dagster's
    """The method that runs the steps, as Dagster's own but for claims of ours."""
    from dagster._core.executor.in_process import InProcessExecutor
    from dagster._core.executor.multiprocess import MultiprocessExecutor

    execute: Any = type(executor).execute
    claims = {"InstanceConcurrencyContext": partial(PatientClaims, names=names)}
    match executor:
        case InProcessExecutor():
            own = {"inprocess_execution_iterator": partial(_run_in_process, names)}
            return _with(execute, own)
        case MultiprocessExecutor():
            return _with(execute, {**claims, "ActiveExecution": _PausingExecution})
        case _ if type(executor).__module__.startswith("dagster_celery."):
            return _find_celery_loop(claims)
        case _:
            return _with(execute, claims)


def _find_celery_loop(claims: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    from dagster_celery.core_execution_loop import core_celery_execution_loop
    from dagster_celery.executor import _submit_task

    loop: Any = _with(core_celery_execution_loop, claims)

    def execute(_: dg.Executor, *plan: Any) -> Iterator[dg.DagsterEvent]:  # noqa: ANN401 - as above
        yield from loop(*plan, step_execution_fn=_submit_task)

    return execute


def _with(function: Any, ours: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    """The same code, in which these names mean what is ours."""
    return FunctionType(function.__code__, function.__globals__ | ours)


def _run_in_process(
    names: Names,
    job_context: Any,  # noqa: ANN401 - Dagster's own
    execution_plan: Any,  # noqa: ANN401 - as above
) -> Iterator[dg.DagsterEvent]:
    from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator

    with _InterruptibleClaims(job_context.instance, job_context.dagster_run, names=names) as claims:
        yield from inner_plan_execution_iterator(job_context, execution_plan, claims)


class PatientClaims(InstanceConcurrencyContext):
    """A run's claims of slots, which look now and then for whom they wait."""

    def __init__(
        self, instance: dg.DagsterInstance, dagster_run: dg.DagsterRun, *, names: Names
    ) -> None:
        super().__init__(instance, dagster_run)
        self._run = dagster_run
        self._names = names
        self._look_at = 0.0
        self._told = ""

    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        """Whether the step has a slot now; the dead who hold one are ended while it has none."""
        if super().claim(concurrency_key, step_key, step_priority):
            return True
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_SECONDS
            self._look()
        return False

    def interval_to_next_pending_claim_check(self) -> float:
        """Seconds until it is time to ask again; Dagster's own is never more than none."""
        return _PAUSE_SECONDS if self._pending_claims else 0.0

    def _look(self) -> None:
        if end_dead_runs(self._instance, self._names):
            self._pending_timeouts.clear()  # ask at once
        told = describe_wait(self._instance, self._names, self._run.run_id)
        if told and told != self._told:
            self._instance.report_engine_event(told, self._run)
        self._told = told


class _InterruptibleClaims(PatientClaims):
    """For a loop that asks nobody whether it was told to end."""

    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        if pop_captured_interrupt():
            raise DagsterExecutionInterruptedError
        return super().claim(concurrency_key, step_key, step_priority)


class _PausingExecution(ActiveExecution):
    """For a loop that makes no pause where nothing is under way and all that is left waits."""

    def get_steps_to_execute(self, limit: int | None = None) -> Any:  # noqa: ANN401 - Dagster's own
        steps = super().get_steps_to_execute(limit)
        if not steps and not self._in_flight:
            self.sleep_til_ready()
        return steps
