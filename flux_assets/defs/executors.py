"""What runs a job's steps: this process, processes, Celery workers or Kubernetes jobs."""

import math
from collections.abc import Mapping
from typing import Any

import dagster as dg

from flux_assets.defs.names import Names
from flux_assets.defs.tried_dagster import is_tried
from flux_assets.errors import SettingsError
from flux_assets.settings import Settings, variable_of


def build_executor(
    settings: Settings, names: Names, variables: Mapping[str, str] | None = None
) -> dg.ExecutorDefinition:
    """The executor that the settings name; only its own package is imported.

    Args:
        settings: of the shop.
        names: of what its runs wait for.
        variables: that hold secrets, where they have other names than the settings.

    Raises:
        SettingsError: the package is not installed, or its settings cannot be used.
    """
    executor = _find_executor(settings, variables or {})
    if not is_tried():
        return executor
    from flux_assets.defs.waiting import wait_patiently

    return wait_patiently(executor, names)


def _find_executor(settings: Settings, variables: Mapping[str, str]) -> dg.ExecutorDefinition:
    match settings.executor:
        case "in_process":
            return dg.in_process_executor
        case "multiprocess":
            return dg.multiprocess_executor
        case "celery":
            return _build_celery_executor(settings, variables)
        case "k8s":
            return _build_k8s_executor()


def longest_shard_seconds(settings: Settings) -> int:
    """How long a shard may take where every call goes to its deadline, each as often as may be.

    What other processes take of the account's rate comes on top.
    """
    rate_seconds = 60 * settings.shard_size / settings.requests_per_minute
    rounds = math.ceil(settings.shard_size / settings.max_in_flight)
    one_pass_seconds = rate_seconds + rounds * settings.call_timeout_seconds
    return math.ceil(settings.max_attempts * one_pass_seconds)


def celery_config_source(settings: Settings) -> dict[str, Any]:
    """What a step needs that is not to be lost with its worker; for executor and workers alike.

    A worker takes one step and acknowledges it at its end. A step that was not acknowledged
    within the visibility timeout is delivered again, in the same run; were a shard to take
    longer than that, it would be done by two workers at once.

    Raises:
        SettingsError: a shard may take longer than the visibility timeout.
    """
    needed = longest_shard_seconds(settings)
    if settings.celery_visibility_timeout_seconds < needed:
        raise SettingsError(
            variable_of("celery_visibility_timeout_seconds"),
            f"a shard of {settings.shard_size} requests may take {needed} s, after which another "
            "worker would begin it too; raise it, or lower FLUX_ASSETS_SHARD_SIZE",
        )
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "broker_transport_options": {
            "visibility_timeout": settings.celery_visibility_timeout_seconds,
            "unacked_restore_throttle": 1,  # looked for every 10 s instead of every 100
        },
    }


def backend_variable(settings: Settings, variables: Mapping[str, str] | None = None) -> str | None:
    """The variable that holds the result backend's address: its own, or a Redis broker's.

    None where results go back over the broker's own messages (`rpc://`).
    """
    if settings.celery_backend is not None:
        return _variable("celery_backend", variables)
    broker = settings.celery_broker
    is_redis = broker is not None and broker.get_secret_value().startswith(
        ("redis://", "rediss://")
    )
    return _variable("celery_broker", variables) if is_redis else None


def _variable(field: str, variables: Mapping[str, str] | None) -> str:
    return (variables or {}).get(field, variable_of(field))


def _build_celery_executor(
    settings: Settings, variables: Mapping[str, str]
) -> dg.ExecutorDefinition:
    try:
        from dagster_celery import celery_executor
    except ImportError as error:
        raise _missing_extra("celery") from error
    backend = backend_variable(settings, variables)
    configured: dg.ExecutorDefinition = celery_executor.configured(
        {
            # Both may hold a password, so that what a run shows is where they stand.
            "broker": {"env": _variable("celery_broker", variables)},
            "backend": {"env": backend} if backend else "rpc://",
            "config_source": celery_config_source(settings),
        },
        name="celery",
    )
    return configured


def _build_k8s_executor() -> dg.ExecutorDefinition:
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError as error:
        raise _missing_extra("k8s") from error
    return k8s_job_executor


def _missing_extra(extra: str) -> SettingsError:
    problem = f"{extra} is not installed; pip install 'flux-assets[{extra}]'"
    return SettingsError(variable_of("executor"), problem)
