"""Two shops in one code location, beside what somebody else had there before."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from flux_assets.defs.executors import build_executor
from flux_assets.defs.names import Names
from flux_assets.defs.shop_definitions import build_shop
from flux_assets.prompts.shot_names import find_shot_names
from flux_assets_tests.fixtures.shops import Shop

SHOPS = ("shoes", "bags")


class _Neighbours(dg.ConfigurableIOManager):
    """Keeps its own, and starts only where it is allowed to."""

    folder: str
    starts: bool = True

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        if not self.starts:
            raise RuntimeError("the neighbour's warehouse is down")

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401
        path = Path(self.folder) / "_".join(context.asset_key.path)
        path.write_text(str(obj))

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401
        raise NotImplementedError


@dg.asset
def product_catalog() -> int:
    return 1


@dg.asset
def summarize() -> int:
    return 2


@dg.asset
def generate_shard() -> int:
    return 3


NEIGHBOURS = [product_catalog, summarize, generate_shard]


def _location(folder: Path, *, starts: bool) -> dg.Definitions:
    neighbours = dg.Definitions(
        assets=NEIGHBOURS,
        resources={
            "io_manager": _Neighbours(folder=str(folder), starts=starts),
            **{name: dg.ResourceDefinition.none_resource() for name in ("store", "tables")},
        },
        executor=dg.multiprocess_executor,
    )
    return dg.Definitions.merge(neighbours, *(_shop(folder, shop) for shop in SHOPS))


def _shop(folder: Path, shop: str) -> dg.Definitions:
    own = Shop(folder, "001", "002")
    own.environ["FLUX_ASSETS_SHOP"] = shop
    names = Names(shop=shop)
    executor = build_executor(own.settings, names)
    return build_shop(own.settings, names, executor, find_shot_names(own.settings))


@pytest.mark.parametrize("shop", SHOPS)
def test_a_shop_refreshes_though_a_neighbours_io_manager_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: str
) -> None:
    monkeypatch.chdir(tmp_path)
    location = _location(tmp_path, starts=False)
    with dg.DagsterInstance.ephemeral() as instance:
        job = location.resolve_job_def(f"{shop}_refresh_catalog_images")
        result = job.execute_in_process(instance=instance)
        assert result.output_for_node(f"{shop}__refreshed_images")["counts"]["generated"] == 4
        heroes = dg.AssetKey([shop, "images", "hero"])
        assert instance.get_materialized_partitions(heroes) == {"001", "002"}
    assert len(list(tmp_path.glob(f"store/{shop}/images/hero/*/*.png"))) == 2


def test_a_neighbours_plain_asset_goes_to_its_own_io_manager_not_into_our_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repository = _location(tmp_path, starts=True).get_repository_def()
    job = repository.get_implicit_asset_job_names()
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            repository.get_job(job[0])
            .get_subset(asset_selection={asset.key for asset in NEIGHBOURS})
            .execute_in_process(instance=instance)
        )
    assert result.success
    assert (tmp_path / "product_catalog").read_text() == "1"
    assert (tmp_path / "summarize").read_text() == "2"
    assert not (tmp_path / "store").exists()
