"""`flux-assets publish` as a person runs it."""

import json
from pathlib import Path

import pytest

from flux_assets.commands.checks.channels import check_channels
from flux_assets.settings import load_settings
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace
from flux_assets_tests.fixtures.components import FAST, TYPE
from flux_assets_tests.fixtures.masters import CHANNELS

ON = {"FLUX_ASSETS_CHANNELS": "data/channels.yaml"}


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def test_stored_pictures_are_published_without_dagster_and_nothing_is_bought(
    workplace: Workplace,
) -> None:
    workplace.run("refresh", "--shots", "hero", "--limit", "2")
    first = workplace.run("publish", "--json", **ON)
    assert first.exit_code == 0, first.stderr
    assert (first.json["masters"], first.json["problems"]) == (2, [])
    files = [it for it in workplace.store.glob("publishing/renditions/*/hero/*") if it.is_file()]
    assert len(files) == first.json["stored"] > 2
    again = workplace.run("publish", **ON, FLUX_ASSETS_PUBLIC_URL="https://cdn.example")
    assert again.exit_code == 0
    assert f"{first.json['renditions']} renditions by data/channels.yaml" in again.stdout
    assert "0 pictures rendered now, 0 files stored" in again.stdout
    assert len(workplace.pictures()) == 2
    channels = first.json["channels"]
    assert (channels["shopify"]["edition"], channels["shopify"]["shown"]) == (1, 2)
    assert "shopify: edition 1 shows 2 products, as before." in again.stdout
    assert "Feeds name samples at https://pictures.invalid, which leads nowhere" in again.stdout
    feed = (workplace.store / "publishing/feeds/shopify.csv").read_text("utf-8")
    assert feed.count("https://pictures.invalid/publishing/renditions/") == 2
    assert channels["google"]["edition"] is None  # for it, sample pictures are too small
    assert {it["slot"] for it in channels["google"]["blocked"]} == {"main", "additional"}
    assert channels["google"]["left_out"] == []
    assert "large_enough: at least 500 x 500 pixels" in " ".join(again.stderr.split())

    workplace.pictures()[0].write_bytes(b"no picture")
    (workplace.store / "tables" / "renditions.parquet").unlink()
    damaged = workplace.run("publish", **ON)
    assert damaged.exit_code == 2
    assert "its bytes are not those that were stored" in " ".join(damaged.stderr.split())


def test_what_is_missing_to_publish_is_told(workplace: Workplace) -> None:
    off = workplace.run("publish")
    assert off.exit_code == 1
    assert "FLUX_ASSETS_CHANNELS: is not set, so nothing is published" in off.stderr
    without_store = workplace.run("publish", **ON)
    assert without_store.exit_code == 1
    assert "there is no store at" in without_store.stderr
    assert not workplace.store.exists()
    workplace.make_store()
    without_pictures = workplace.run("publish", **ON)
    assert without_pictures.exit_code == 0
    assert "There is no feed: no channel is enabled, or no refresh" in without_pictures.stdout


def test_a_set_up_is_checked_with_its_channels_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shots.yaml").write_text("shots: {hero: {prompt: a}, wide: {prompt: a}}")
    Path("channels.yaml").write_text(CHANNELS)
    environ = {"FLUX_ASSETS_SHOTS": "shots.yaml"}
    on = load_settings({**environ, "FLUX_ASSETS_CHANNELS": "channels.yaml"})
    [found] = check_channels(on)
    at = "their feeds name pictures at https://pictures.invalid/"
    assert (found.verdict, found.detail) == ("ok", f"channels.yaml: shop; {at}")
    Path("channels.yaml").write_text(CHANNELS.replace("[hero]", "[front]"))
    [found] = check_channels(on)
    assert found.verdict == "problem"
    assert found.detail.startswith("channels.yaml, line 9: ")
    assert list(check_channels(load_settings(environ))) == []
    Path("channels.yaml").write_text(CHANNELS.replace("  shop:", "  shop:\n    enabled: false"))
    [found] = check_channels(on)
    assert (found.verdict, "no channel is enabled" in found.detail) == ("warning", True)


def test_live_pictures_need_a_public_address_and_the_check_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shots.yaml").write_text("shots: {hero: {prompt: a}, wide: {prompt: a}}")
    Path("channels.yaml").write_text(CHANNELS)
    live = {
        "FLUX_ASSETS_MODE": "live",
        "ONEMIN_API_KEY": "key",
        "FLUX_ASSETS_STORE": str(tmp_path / "store"),
        "FLUX_ASSETS_SHOTS": "shots.yaml",
        "FLUX_ASSETS_CHANNELS": "channels.yaml",
    }
    [found] = check_channels(load_settings(live))
    assert found.verdict == "problem"
    assert found.detail.startswith("FLUX_ASSETS_PUBLIC_URL: is not set, and feeds name pictures")
    public = {"FLUX_ASSETS_PUBLIC_URL": "https://cdn.example", "FLUX_ASSETS_SHOP": "shoes"}
    [found] = check_channels(load_settings(live | public))
    assert found.verdict == "ok"
    assert found.detail.endswith("at https://cdn.example/shoes/")


@pytest.mark.slow
def test_a_component_s_shop_is_published_decided_and_rolled_back_by_its_file(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "src" / "mine" / "defs" / "pictures"
    workplace = make_workplace(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "mine"\n')
    folder.mkdir(parents=True)
    for path in (tmp_path / "data").iterdir():
        path.rename(folder / path.name)
    attributes = {**FAST, "shop": "shoes", "channels": "channels.yaml"}
    (folder / "defs.yaml").write_text(json.dumps({"type": TYPE, "attributes": attributes}))
    refreshed = workplace.run("refresh", "--shots", "hero", "--limit", "1")
    assert refreshed.exit_code == 0, refreshed.stderr

    here = ("--component", str(folder / "defs.yaml"))
    elsewhere = Workplace(folder=tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    published = elsewhere.run(*here, "publish", "--json")
    assert published.exit_code == 0, published.stderr
    assert published.json["channels"]["shopify"]["shown"] == 1
    feed = tmp_path / ".flux_assets/store/shoes/publishing/feeds/shopify.csv"
    assert "https://pictures.invalid/shoes/publishing/" in feed.read_text("utf-8")
    [picture] = elsewhere.run(*here, "decide", "--list", "--json").json
    product_id = picture["product_id"]
    decided = elsewhere.run(*here, "decide", product_id, "--shots", "hero", "--approve", "--json")
    assert len(decided.json["applied"]) == 1
    back = elsewhere.run(*here, "rollback", "--product", product_id, "--reason", "x", "--json")
    assert back.json["channels"]["shopify"]["withdrawn"] == 2
    assert product_id not in feed.read_text("utf-8")
    assert list(elsewhere.folder.iterdir()) == []
