import dagster as dg
import pytest

from flux_assets.defs.resources import ImageApiResource
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
