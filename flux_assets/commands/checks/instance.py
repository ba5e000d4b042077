"""Whether the Dagster instance is set up for runs that spend money, and what breaks if not."""

from collections.abc import Iterator

import dagster
import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from flux_assets.commands.checks.finding import Finding
from flux_assets.commands.dagster_home import check_place_of_home, look_at_instance
from flux_assets.defs.names import Names
from flux_assets.defs.pools import API_POOL, read_pool
from flux_assets.defs.runs import describe_run, end_dead_runs, find_runs
from flux_assets.defs.tried_dagster import is_tried
from flux_assets.defs.waited_for import describe_holder


def check_instance(names: Names, *, is_rate_shared: bool) -> Iterator[Finding]:
    """Judge the instance of `DAGSTER_HOME`, and end its runs that are proven dead.

    Args:
        names: of the shop whose runs and pool are looked at.
        is_rate_shared: whether steps that buy keep to one rate together, so that several may run
            at once.

    Raises:
        SettingsError, DagsterHomeError: it cannot be opened.
    """
    check_place_of_home()
    with look_at_instance() as instance:
        pool = names.name(API_POOL)
        yield from judge_instance(instance, pool, is_rate_shared=is_rate_shared)
        yield from judge_runs(instance, names)


def judge_runs(instance: dg.DagsterInstance, names: Names) -> Iterator[Finding]:
    """What is under way, what was dead and is ended now, and what hinders a refresh for ever."""
    name = "dagster runs"
    for ended in end_dead_runs(instance, names):
        yield Finding(name=name, verdict="ok", detail=f"run {ended.run_id}: {ended.reason}")
    found = find_runs(instance, names)
    for it in found:
        is_clear = it.is_queued or it.life == "alive"
        yield Finding(name=name, verdict="ok" if is_clear else "warning", detail=describe_run(it))
    under_way = {it.run.run_id for it in found}
    for slot in read_pool(instance, names).slots:
        if slot.run_id not in under_way:
            yield Finding(name=name, verdict="warning", detail=describe_holder(instance, slot))
    if not found:
        yield Finding(name=name, verdict="ok", detail="none is under way")


def judge_instance(
    instance: dg.DagsterInstance, pool: str, *, is_rate_shared: bool
) -> Iterator[Finding]:
    """One finding for each setting of the instance that matters here."""
    if not is_tried():
        detail = (
            f"{dagster.__version__} is newer than what this release was tried with: an event takes "
            "twice the CPU time, and a run that waits for its pool does not hear Ctrl-C; look for "
            "a newer flux-assets"
        )
        yield Finding(name="dagster version", verdict="warning", detail=detail)
    storage = type(instance.event_log_storage).__name__.removesuffix("EventLogStorage")
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        storage = "SQLite, on this machine; several machines need PostgreSQL"
    yield Finding(name="dagster storage", verdict="ok", detail=storage)
    yield _judge(
        "run_retries",
        is_right=not instance.run_retries_retry_on_asset_or_op_failure,
        right="no run is repeated because a step failed",
        wrong=(
            "set run_retries: {retry_on_asset_or_op_failure: false}; without it a failed run is "
            "repeated, though the ledger knows already what may be sent again"
        ),
    )
    yield _judge(
        "run_monitoring",
        is_right=instance.run_monitoring_enabled,
        right="runs whose process died are noticed",
        wrong=(
            "set run_monitoring: {enabled: true}; without it a run whose process died stays "
            "started for ever: the schedule and the sensor skip, its pictures are held for longer"
        ),
    )
    yield _judge(
        "run_coordinator",
        is_right=isinstance(instance.run_coordinator, dg.QueuedRunCoordinator),
        right="runs queue",
        wrong=(
            "set run_coordinator to QueuedRunCoordinator; without it the runs of a backfill all "
            "start at once, each a process of its own"
        ),
    )
    yield _judge_pool(instance, pool, is_rate_shared=is_rate_shared)


def _judge_pool(instance: dg.DagsterInstance, pool: str, *, is_rate_shared: bool) -> Finding:
    limits = {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}
    default = instance.get_concurrency_config().pool_config.default_pool_limit
    limit = limits.get(pool, default)
    said = "no limit" if limit is None else f"the limit {limit}"
    if is_rate_shared:
        detail = f"{said}; all steps keep to FLUX_ASSETS_REQUESTS_PER_MINUTE together"
        return Finding(name=f"dagster pool {pool}", verdict="ok", detail=detail)
    return _judge(
        f"pool {pool}",
        is_right=limit == 1,
        right="one step buys at a time, over all runs",
        wrong=(
            f"set concurrency: {{pools: {{default_limit: 1}}}}, it has {said}; each step keeps to "
            "FLUX_ASSETS_REQUESTS_PER_MINUTE by itself, so that several together exceed the "
            "account's limit, unless FLUX_ASSETS_RATE_LIMITER is set"
        ),
    )


def _judge(name: str, *, is_right: bool, right: str, wrong: str) -> Finding:
    return Finding(
        name=f"dagster {name}",
        verdict="ok" if is_right else "warning",
        detail=right if is_right else f"in dagster.yaml {wrong}",
    )
