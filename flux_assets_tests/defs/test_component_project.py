"""The component in a project of somebody's own: installed, scaffolded, and run as people do."""

import json
import threading
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.dg_project import DgProject, make_dg_project
from flux_assets_tests.fixtures.live_dagster import ask_dagster, launch_job
from flux_assets_tests.fixtures.neighbours import DOWN

pytestmark = pytest.mark.slow

TYPE = "flux_assets.CatalogImages"
_QUICK = (
    "  simulator_latency_seconds: 0\n  simulator_megapixels: 0.05\n  requests_per_minute: 100000\n"
)
_NEIGHBOURS = (
    DOWN
    + """

@dg.asset(key=["marketing", "product_catalog"])
def product_catalog() -> int:
    return 1


@dg.asset
def summarize() -> int:
    return 2


defs = dg.Definitions(assets=[product_catalog, summarize], resources={"io_manager": Down()})
"""
)
_REPOSITORIES = """
query { repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } } }
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
        [repository] = ask_dagster(url, _REPOSITORIES)["repositoriesOrError"]["nodes"]
        location = repository["location"]["name"]
        run_id = launch_job(url, "shoes_refresh_catalog_images", location=location)
        pause, status = threading.Event(), ""
        for _ in range(420):
            status = ask_dagster(url, _STATUS, id=run_id)["runOrError"]["status"]
            if status in {"SUCCESS", "FAILURE", "CANCELED"}:
                break
            pause.wait(1)
    assert status == "SUCCESS"
    assert len(_pictures(project, "shoes")) == 75
