"""Which executor a shop's job gets, and that a step outlives the worker that it was given to."""

import importlib
import sys

import dagster as dg
import pytest

from flux_assets.defs.executors import build_executor, celery_config_source, longest_shard_seconds
from flux_assets.defs.names import Names
from flux_assets.errors import SettingsError
from flux_assets.settings import Settings, load_settings

BROKER = "redis://:invented-word@127.0.0.1:6379/0"
CELERY = {"FLUX_ASSETS_EXECUTOR": "celery", "FLUX_ASSETS_CELERY_BROKER": BROKER}


@pytest.mark.parametrize(
    ("executor", "name"),
    [
        ("in_process", "in_process"),
        ("multiprocess", "multiprocess"),
        ("celery", "celery"),
        ("k8s", "k8s"),
    ],
)
def test_the_setting_names_the_executor(executor: str, name: str) -> None:
    built = build_executor(load_settings({**CELERY, "FLUX_ASSETS_EXECUTOR": executor}), Names())
    assert isinstance(built, dg.ExecutorDefinition)
    assert built.name == name


@pytest.mark.parametrize(
    ("executor", "package"), [("celery", "dagster_celery"), ("k8s", "dagster_k8s")]
)
def test_an_executor_whose_package_is_missing_is_an_error_that_names_the_extra(
    executor: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=rf"pip install 'flux-assets\[{executor}\]'") as caught:
        build_executor(load_settings({**CELERY, "FLUX_ASSETS_EXECUTOR": executor}), Names())
    assert caught.value.variable == "FLUX_ASSETS_EXECUTOR"


def test_celery_without_a_broker_is_an_error() -> None:
    with pytest.raises(SettingsError, match="is required when FLUX_ASSETS_EXECUTOR is celery"):
        load_settings({"FLUX_ASSETS_EXECUTOR": "celery"})


def test_a_worker_and_the_executor_take_a_step_back_from_a_dead_worker_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("FLUX_ASSETS_MODE", "ONEMIN_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    for variable, text in {
        **CELERY,
        "FLUX_ASSETS_CELERY_VISIBILITY_TIMEOUT_SECONDS": "4000",
    }.items():
        monkeypatch.setenv(variable, text)
    worker = importlib.import_module("flux_assets.defs.celery_worker").build_app().conf
    source = celery_config_source(
        load_settings({**CELERY, "FLUX_ASSETS_CELERY_VISIBILITY_TIMEOUT_SECONDS": "4000"})
    )
    assert source["broker_transport_options"]["visibility_timeout"] == 4000
    assert {name: worker[name] for name in source} == source
    assert (worker.task_acks_late, worker.worker_prefetch_multiplier) == (True, 1)
    assert (worker.broker_url, worker.result_backend) == (BROKER, BROKER)


def test_a_visibility_timeout_that_a_shard_may_outlast_is_refused() -> None:
    settings = load_settings({**CELERY, "FLUX_ASSETS_CELERY_VISIBILITY_TIMEOUT_SECONDS": "600"})
    with pytest.raises(SettingsError, match="a shard of 500 requests may take") as caught:
        build_executor(settings, Names())
    assert caught.value.variable == "FLUX_ASSETS_CELERY_VISIBILITY_TIMEOUT_SECONDS"


def test_the_longest_shard_counts_rate_deadlines_and_attempts() -> None:
    settings = Settings(
        shard_size=100,
        requests_per_minute=60,
        max_in_flight=40,
        call_timeout_seconds=10,
        max_attempts=2,
    )
    assert longest_shard_seconds(settings) == 2 * (100 + 3 * 10)
    assert longest_shard_seconds(Settings()) < Settings().celery_visibility_timeout_seconds
