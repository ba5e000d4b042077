from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterResourceFunctionError

from flux_assets.defs.resources import ImageApiResource, StoreResource
from flux_assets.errors import SettingsError
from flux_assets.settings import load_settings

API_KEY = "invented-key"


def test_within_a_run_the_image_api_does_not_show_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {
        "FLUX_ASSETS_MODE": "live",
        "FLUX_ASSETS_STORE": "s3://bucket/pictures",
        "ONEMIN_API_KEY": API_KEY,
        "ONEMIN_BASE_URL": "http://127.0.0.1:1",
    }
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    shown: list[str] = []

    @dg.op
    def show(image_api: ImageApiResource) -> None:
        assert image_api.api_key == API_KEY
        shown.extend([repr(image_api), str(image_api), repr(image_api.access)])

    @dg.job(resource_defs={"image_api": ImageApiResource.of(load_settings(environ))})
    def job() -> None:
        show()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        events = [repr(entry) for entry in instance.all_logs(result.run_id)]

    assert "requests_per_minute" in shown[0]
    assert API_KEY not in "".join([*shown, *events, repr(job), repr(job.get_job_snapshot())])


@pytest.mark.parametrize(
    ("resource", "config", "told"),
    [
        ("image_api", {"api_key": {"env": "DATABASE_PASSWORD"}}, "ONEMIN_API_KEY"),
        ("image_api", {"api_key": "another-key"}, "ONEMIN_API_KEY"),
        ("image_api", {"rate_limiter": {"env": "DATABASE_PASSWORD"}}, "FLUX_ASSETS_RATE_LIMITER"),
        ("image_api", {"options": {"base_url": "http://127.0.0.1:2"}}, "ONEMIN_BASE_URL"),
        ("store", {"uri": "/elsewhere"}, "FLUX_ASSETS_STORE"),
        ("store", {"shop": "other"}, "FLUX_ASSETS_STORE"),
    ],
)
def test_a_runs_config_can_name_neither_another_store_nor_another_secret(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    resource: str,
    config: dict[str, Any],
    told: str,
) -> None:
    environ = {
        "FLUX_ASSETS_MODE": "live",
        "FLUX_ASSETS_STORE": str(tmp_path / "store"),
        "ONEMIN_API_KEY": API_KEY,
        "ONEMIN_BASE_URL": "http://127.0.0.1:1",
    }
    monkeypatch.setenv("DATABASE_PASSWORD", "very-secret")
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    settings = load_settings(environ)
    used: list[str] = []

    @dg.op
    def use(image_api: ImageApiResource, store: StoreResource) -> None:
        store.open()
        used.append(repr(image_api))

    image_api, own_store = ImageApiResource.of(settings), StoreResource.of(settings)

    @dg.job(resource_defs={"image_api": image_api, "store": own_store})
    def job() -> None:
        use()

    whole = {
        "image_api": {
            "options": {
                # As the launchpad writes numbers.
                name: int(value) if isinstance(value, float) and value.is_integer() else value
                for name, value in image_api.options.items()
            },
            "api_key": {"env": "ONEMIN_API_KEY"},
            "rate_limiter": "",
        },
        "store": {
            name: getattr(own_store, name)
            for name in type(own_store).model_fields
            if getattr(own_store, name) is not None
        },
    }
    changed = whole[resource] | config
    if "options" in config:
        changed["options"] = {**image_api.options, **config["options"]}
    same = {"resources": {resource: {"config": whole[resource]}}}
    assert job.execute_in_process(run_config=same).success
    with pytest.raises((SettingsError, DagsterResourceFunctionError)) as caught:
        job.execute_in_process(run_config={"resources": {resource: {"config": changed}}})
    assert f"{told}: a run cannot change it" in str(caught.value.__cause__ or caught.value)
    assert len(used) == 1
