"""What a refresh buys, logs and writes."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.manifest.stored import MANIFEST_CSV_KEY
from flux_assets.storage.object_store import picture_key
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)

ALL_METADATA = {
    *("preview", "object_uri", "url", "uuid", "seed", "guidance", "steps", "aspect_ratio"),
    *("model", "prompt", "product_id", "shot", "request_fingerprint", "sha256", "width_px"),
    *("height_px", "size_bytes", "outcome", "attempts", "latency_seconds", "cost_usd_estimate"),
    "generated_at",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        yield shop


def test_a_refresh_buys_each_picture_once_and_logs_it_at_its_product(shop: DagsterShop) -> None:
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 6, "calls": 6}
    assert sorted(line.prompt for line in shop.bill()) == sorted(
        request.prompt for request in shop.requests().values()
    )
    assert set(refreshed.logged()) == set(shop.requests())
    assert shop.partitions("hero") == shop.partitions("wide") == {"001", "002", "003"}
    assert shop.manifest_rows() == shop.current_rows()
    for check in ("every_row_is_usable", "every_product_has_its_pictures", "pictures_are_as_asked"):
        assert refreshed.check(check).passed


def test_a_pictures_event_tells_everything_about_it(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_PUBLIC_URL"] = "https://cdn.example"
    event = shop.refresh().logged()["002", "wide"]
    request = shop.requests()["002", "wide"]
    key = picture_key(
        shot="wide", product_id="002", fingerprint=request.fingerprint, extension="png"
    )
    picture = shop.store.get(key).data
    [bill_line] = [line for line in shop.bill() if line.prompt == request.prompt]

    assert event.asset_key == dg.AssetKey(["images", "wide"])
    assert event.tags is not None
    assert event.tags["dagster/data_version"] == request.fingerprint
    assert event.tags["flux_assets/mode"] == "sample"
    facts = plain_metadata(event)
    assert facts.keys() >= ALL_METADATA
    expected = {
        "object_uri": shop.store.uri_for(key),
        "url": f"https://cdn.example/{key}",
        "uuid": bill_line.uuid,
        "seed": request.seed,
        "guidance": 3.0,
        "steps": 50,
        "aspect_ratio": "16:9",
        "model": "black-forest-labs/flux-2-max",
        "prompt": "Chair 002 in red",
        "product_id": "002",
        "title": "Chair 002",
        "category": "Chairs",
        "shot": "wide",
        "request_fingerprint": request.fingerprint,
        "sha256": sha256(picture).hexdigest(),
        "size_bytes": len(picture),
        "outcome": "generated",
        "attempts": 1,
        "cost_usd_estimate": 0.07,
    }
    assert {name: facts[name] for name in expected} == expected
    assert facts["width_px"] > facts["height_px"] > 0
    assert facts["latency_seconds"] >= 0
    assert facts["generated_at"].endswith("+00:00")
    assert isinstance(event.metadata["preview"], dg.MarkdownMetadataValue)
    assert facts["preview"].startswith("![002 wide](data:image/jpeg;base64,")
    assert len(facts["preview"]) < 13_000


def test_a_second_refresh_buys_nothing_and_logs_no_picture_again(shop: DagsterShop) -> None:
    shop.refresh()
    manifest = shop.manifest()
    again = shop.refresh()
    assert again.counts() == {"reused": 6}
    assert again.logged() == {}
    assert again.metadata_of("refreshed_images")["reused"] == 6
    assert len(shop.bill()) == 6
    assert shop.manifest().equals(manifest)


@pytest.mark.parametrize(
    ("change", "bought"),
    [
        ({"title": "Armchair"}, {("002", "hero"), ("002", "wide")}),
        pytest.param({"color": "blue"}, {("002", "wide")}, marks=pytest.mark.slow),
        pytest.param({"price": "11.00"}, set(), marks=pytest.mark.slow),
    ],
    ids=["title", "color", "price"],
)
def test_a_changed_field_buys_the_pictures_whose_prompts_use_it(
    shop: DagsterShop, change: dict[str, str], bought: set[tuple[str, str]]
) -> None:
    shop.refresh()
    shop.set_product("002", **change)
    refreshed = shop.refresh()
    assert set(refreshed.logged()) == bought
    assert len(shop.bill()) == 6 + len(bought)
    assert refreshed.metadata_of("image_plan")["changed"] == len(bought)
    assert refreshed.counts().get("reused", 0) == 6 - len(bought)
    assert shop.manifest_rows() == shop.current_rows()


@pytest.mark.slow
def test_a_title_that_returns_brings_its_picture_back_without_a_call(shop: DagsterShop) -> None:
    first = shop.refresh().logged()["002", "hero"]
    shop.set_product("002", title="Armchair")
    shop.refresh()
    shop.set_product("002", title="Chair 002")
    returned = shop.refresh()
    assert set(returned.logged()) == {("002", "hero"), ("002", "wide")}
    event = returned.logged()["002", "hero"]
    assert plain_metadata(event)["outcome"] == "reused"
    assert event.metadata["object_uri"] == first.metadata["object_uri"]
    assert len(shop.bill()) == 8
    assert shop.manifest_rows() == shop.current_rows()


def test_an_instance_that_knows_nothing_is_told_every_stored_picture(shop: DagsterShop) -> None:
    shop.refresh()
    with dg.DagsterInstance.ephemeral() as shop.instance:
        refreshed = shop.refresh()
        assert refreshed.counts() == {"reused": 6}
        assert set(refreshed.logged()) == set(shop.requests())
        outcomes = [plain_metadata(event)["outcome"] for event in refreshed.logged().values()]
        assert outcomes == ["reused"] * 6
        assert shop.partitions("hero") == {"001", "002", "003"}
        assert shop.refresh().logged() == {}
    assert len(shop.bill()) == 6


@pytest.mark.slow
def test_pictures_that_were_wiped_from_dagster_are_told_again(shop: DagsterShop) -> None:
    shop.refresh()
    shop.instance.wipe_assets([dg.AssetKey(["images", "hero"])])
    refreshed = shop.refresh()
    assert set(refreshed.logged()) == {("001", "hero"), ("002", "hero"), ("003", "hero")}
    assert refreshed.counts() == {"reused": 6}


def test_the_manifest_names_each_product_as_the_catalog_does_now(shop: DagsterShop) -> None:
    shop.refresh()
    shop.set_product("002", category="Stools")
    refreshed = shop.refresh()
    assert refreshed.counts() == {"reused": 6}
    names = shop.manifest()[["product_id", "title", "category"]].drop_duplicates()
    assert list(names.itertuples(index=False, name=None)) == [
        ("001", "Chair 001", "Chairs"),
        ("002", "Chair 002", "Stools"),
        ("003", "Chair 003", "Chairs"),
    ]
    csv = shop.store.get(MANIFEST_CSV_KEY).data.decode("utf-8-sig").splitlines()
    assert csv[0].endswith(",title,category")
    assert csv[3].endswith(',"Chair 002","Stools"')


def test_new_products_become_partitions_and_gone_ones_stay_as_orphans(shop: DagsterShop) -> None:
    first = shop.refresh().metadata_of("product_catalog")
    assert (first["added_partitions"], first["orphaned_partitions"]) == (3, 0)
    shop.remove_product("001")
    shop.set_product("004")
    refreshed = shop.refresh(accept_drop=True)
    second = refreshed.metadata_of("product_catalog")
    assert (second["added_partitions"], second["orphaned_partitions"]) == (1, 1)
    assert shop.instance.get_dynamic_partitions("products") == ["001", "002", "003", "004"]
    assert set(refreshed.logged()) == {("004", "hero"), ("004", "wide")}
    assert refreshed.metadata_of("image_plan")["orphaned"] == 2
    assert {product_id for product_id, _ in shop.manifest_rows()} == {"002", "003", "004"}
    assert shop.partitions("hero") == {"001", "002", "003", "004"}


def test_product_ids_of_any_shape_become_partitions(shop: DagsterShop) -> None:
    awkward = ["JWL.7/01", "a b", "../x", "50%", 'say "x"', "Mümmel 🦆", "a,b|c", "[1:2]", "1e5"]
    for product_id in awkward:
        shop.set_product(product_id)
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 24, "calls": 24}
    assert shop.partitions("hero") == {"001", "002", "003", *awkward}
    assert shop.manifest_rows() == shop.current_rows()
    assert shop.refresh().counts() == {"reused": 24}


def test_a_plan_by_itself_costs_nothing_and_shows_prompts(shop: DagsterShop) -> None:
    planned = shop.materialize("product_catalog", "image_requests", "image_plan")
    plan = planned.expect(success=True).metadata_of("image_plan")
    assert (plan["new"], plan["to_buy"], plan["cost_usd"]) == (6, 6, 0.42)
    assert "| 002 | hero | 18 | Chair 002 on white |" in plan["prompts"]
    assert shop.bill() == []
