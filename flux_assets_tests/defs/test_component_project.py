"""The component in a project of somebody's own: installed, scaffolded, and run as people do."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from flux_assets_tests.fixtures.dg_project import DgProject, make_dg_project

pytestmark = pytest.mark.slow

TYPE = "flux_assets.CatalogImages"
_QUICK = (
    "  simulator_latency_seconds: 0\n  simulator_megapixels: 0.05\n  requests_per_minute: 100000\n"
)
_NEIGHBOURS = """
import dagster as dg


class Down(dg.ConfigurableIOManager):
    def setup_for_execution(self, context):
        raise RuntimeError("the neighbour's warehouse is down")

    def handle_output(self, context, obj): ...

    def load_input(self, context): ...


@dg.asset(key=["marketing", "product_catalog"])
def product_catalog() -> int:
    return 1


@dg.asset
def summarize() -> int:
    return 2


defs = dg.Definitions(assets=[product_catalog, summarize], resources={"io_manager": Down()})
"""
_REPOSITORIES = """
query { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""
_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_STATUS = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DgProject:
    """Two shops beside a neighbour; nothing is configured, and nothing has run."""
    project = make_dg_project(tmp_path_factory.mktemp("project"))
    (project.defs / "neighbours.py").write_text(_NEIGHBOURS)
    for name in ("pictures", "shoes"):
        project.run("dg", "scaffold", "defs", TYPE, name)
        file = project.defs / name / "defs.yaml"
        file.write_text(file.read_text("utf-8") + _QUICK, "utf-8")
    return project


def _pictures(project: DgProject, shop: str = "") -> list[Path]:
    store = project.folder / ".flux_assets" / "store" / shop
    return list(store.glob("images/*/*/*.png"))


def test_dg_knows_the_component_and_checks_what_it_laid_down(project: DgProject) -> None:
    assert f'"{TYPE}"' in project.run("dg", "list", "components", "--json")
    assert "validated successfully" in project.run("dg", "check", "yaml")
    assert "loaded successfully" in project.run("dg", "check", "defs")
    listed = json.loads(project.run("dg", "list", "defs", "--json"))
    keys = {asset["asset_key"] for asset in listed["assets"]}
    assert {"images/hero", "shoes/images/hero", "marketing/product_catalog", "summarize"} <= keys
    jobs = {job["name"] for job in listed["jobs"]}
    assert jobs == {"refresh_catalog_images", "shoes_refresh_catalog_images"}


def test_dg_launches_the_job_and_then_one_picture(project: DgProject) -> None:
    project.run("dg", "launch", "--job", "refresh_catalog_images")
    made = _pictures(project)
    assert len(made) == 75
    project.run("dg", "launch", "--assets", "images/hero", "--partition", "00123")
    assert _pictures(project) == made
    file = str(project.defs / "pictures" / "defs.yaml")
    told = json.loads(project.run("flux-assets", "--component", file, "plan", "--json"))
    assert (told["stored"], told["new"]) == (75, 0), "the commands act on what the component says"


def test_dg_dev_runs_the_other_shop(project: DgProject) -> None:
    with project.dev() as url:

        def ask(text: str, **variables: object) -> Any:  # noqa: ANN401 - whatever was asked for
            body = {"query": text, "variables": variables}
            reply = requests.post(f"{url}/graphql", json=body, timeout=60).json()
            assert "errors" not in reply, reply
            return reply["data"]

        [repository] = ask(_REPOSITORIES)["repositoriesOrError"]["nodes"]
        selector = {
            "repositoryLocationName": repository["location"]["name"],
            "repositoryName": repository["name"],
            "jobName": "shoes_refresh_catalog_images",
        }
        params = {"selector": selector, "runConfigData": {}, "mode": "default"}
        launched = ask(_LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        pause, status = threading.Event(), ""
        for _ in range(420):
            status = ask(_STATUS, id=launched["run"]["runId"])["runOrError"]["status"]
            if status in {"SUCCESS", "FAILURE", "CANCELED"}:
                break
            pause.wait(1)
    assert status == "SUCCESS"
    assert len(_pictures(project, "shoes")) == 75
