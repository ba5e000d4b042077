import dagster as dg
import pytest
from dagster import DagsterInvalidConfigError

from flux_assets.defs.executors import build_executor
from flux_assets.defs.names import Names
from flux_assets.defs.shop_definitions import build_definitions, build_shop
from flux_assets.prompts.shot_names import ShotNames
from flux_assets.settings import load_settings

API_KEY = "invented-key"
LIVE = {
    "FLUX_ASSETS_MODE": "live",
    "FLUX_ASSETS_STORE": "s3://bucket/pictures",
    "ONEMIN_API_KEY": API_KEY,
    "ONEMIN_BASE_URL": "http://127.0.0.1:1",
}


def _build(**environ: str) -> dg.Definitions:
    settings = load_settings({**LIVE, **environ})
    names = Names(shop=settings.shop)
    return build_shop(settings, names, build_executor(settings, names), ShotNames(names=["hero"]))


def test_within_a_run_the_image_api_does_not_show_its_key() -> None:
    resources = _build().resources or {}
    shown: list[str] = []

    @dg.op(required_resource_keys={"flux_assets__image_api", "flux_assets__store"})
    def show(context: dg.OpExecutionContext) -> None:
        api, store = context.resources.flux_assets__image_api, context.resources.flux_assets__store
        shown.extend([repr(api), str(api), repr(api.client), repr(store), str(vars(store))])

    @dg.job(resource_defs={name: it for name, it in resources.items() if "io_manager" not in name})
    def job() -> None:
        show()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        events = [repr(entry) for entry in instance.all_logs(result.run_id)]

    assert result.success
    assert API_KEY not in "".join([*shown, *events, repr(job), repr(job.get_job_snapshot())])


@pytest.mark.parametrize(
    ("resource", "config"),
    [
        ("flux_assets__image_api", {"api_key": {"env": "DATABASE_PASSWORD"}}),
        ("flux_assets__image_api", {"options": {"base_url": "http://127.0.0.1:2"}}),
        ("flux_assets__store", {"uri": "/elsewhere"}),
        ("flux_assets__tables", {"form": "json"}),
        ("flux_assets__steps", {}),
    ],
)
def test_a_runs_config_can_change_nothing_of_store_and_api(
    resource: str, config: dict[str, object]
) -> None:
    job = _build().resolve_job_def("refresh_catalog_images")
    assert dg.validate_run_config(job, {})
    if config:
        with pytest.raises(DagsterInvalidConfigError):
            dg.validate_run_config(job, {"resources": {resource: {"config": config}}})


@pytest.mark.parametrize(
    ("shop", "prefix"), [(None, "flux_assets__"), ("shoes", "flux_assets__shoes__")]
)
def test_resource_keys_are_our_own_and_carry_the_shop(shop: str | None, prefix: str) -> None:
    definitions = _build(**({"FLUX_ASSETS_SHOP": shop} if shop else {}))
    assert set(definitions.resources or ()) == {
        f"{prefix}{name}" for name in ("store", "image_api", "steps", "tables")
    }


def test_no_output_asks_for_the_default_io_manager_of_a_code_location() -> None:
    for built in (_build(), build_definitions(load_settings({}))):
        jobs = built.get_repository_def().get_all_jobs()
        keys = {
            output.io_manager_key
            for job in jobs
            for node in job.all_node_defs
            if isinstance(node, dg.OpDefinition)
            for output in node.output_defs
        }
        assert keys == {"flux_assets__steps", "flux_assets__tables"}
