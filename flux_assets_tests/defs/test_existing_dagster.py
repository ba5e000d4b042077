"""`deploy/existing_dagster` as it is deployed: somebody's own assets downstream of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from flux_assets_tests.fixtures.live_dagster import LiveDagster, live_dagster, make_deployment

pytestmark = pytest.mark.slow

_UPSTREAM = """
query Upstream($path: [String!]!) {
  assetNodeOrError(assetKey: {path: $path}) {
    ... on AssetNode { dependencyKeys { path } repository { location { name } } }
  }
}
"""


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDagster]:
    folder = tmp_path_factory.mktemp("existing")
    workplace = make_deployment(folder, "existing_dagster")
    own = {
        "FLUX_ASSETS_CATALOG": "data/catalog.csv",
        "FLUX_ASSETS_SHOTS": "data/shots.yaml",
    }
    with live_dagster(workplace, **own) as dagster:
        yield dagster


def _metadata(dagster: LiveDagster, *path: str) -> dict[str, Any]:
    """The metadata of an asset's last materialization, once there is one."""

    def find() -> dict[str, Any] | None:
        event = dagster.instance.get_latest_materialization_event(dg.AssetKey(path))
        if event is None or event.asset_materialization is None:
            return None
        return {name: it.value for name, it in event.asset_materialization.metadata.items()}

    return dagster.wait(find, f"a materialization of {path}")


@pytest.mark.parametrize(
    ("asset", "upstream"),
    [("picture_counts", ["image_manifest"]), ("campaign_picture", ["images", "hero"])],
)
def test_the_lineage_crosses_the_code_locations(
    dagster: LiveDagster, asset: str, upstream: list[str]
) -> None:
    node = dagster.query(_UPSTREAM, path=[asset])["assetNodeOrError"]
    assert node["dependencyKeys"] == [{"path": upstream}]
    assert node["repository"]["location"]["name"] == "our_shop"
    ours = dagster.query(_UPSTREAM, path=upstream)["assetNodeOrError"]
    assert ours["repository"]["location"]["name"] == "flux_assets"


def test_assets_of_others_follow_the_manifest_and_one_products_picture(
    dagster: LiveDagster,
) -> None:
    config = {"ops": {"refreshed_images": {"config": {"product_ids": ["00123", "00124"]}}}}
    run_id = dagster.launch("refresh_catalog_images", location="flux_assets", config=config)
    assert dagster.wait_for_run(run_id) == dg.DagsterRunStatus.SUCCESS

    assert _metadata(dagster, "picture_counts") == {"hero": 2, "lifestyle": 2, "banner": 2}
    object_uri = Path(_metadata(dagster, "campaign_picture")["object_uri"])
    assert object_uri.parent.name == "00123"
    assert object_uri.read_bytes().startswith(b"\x89PNG")
