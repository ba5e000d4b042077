"""A refresh ends with each channel's edition; what is kept from it is named by a check."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.defs.public_check import PUBLIC_CHECK
from flux_assets.prompts.overrides import set_pin
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide, read_decisions
from flux_assets.publishing.editions import list_newest, read_last_edition
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    Refreshed,
    open_shop,
    plain_metadata,
)

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
PINS = "every_pin_can_be_shown"
CHANNELS = """\
profiles:
  big: {width_px: 300, height_px: 300}
channels:
  google:
    feed: {format: google_tsv}
    slots:
      main: {shots: [hero], profile: big}
  web:
    feed: {format: jsonl}
    slots:
      main: {shots: [hero], profile: big}
      additional: {shots: [wide], profile: big}
  etsy:
    enabled: false
    feed: {format: jsonl}
    slots:
      main: {shots: [hero], profile: big}
"""
RULE = """\
    rules:
      - name: large
        require: "width_px >= 5000"
        else: {failing}
        says: at least 5000 pixels wide
        source: example.com/rules
        on: 2026-11-26
        certainty: official
"""
PRODUCTS = [f"{number:03}" for number in range(1, 6)]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, *PRODUCTS) as shop:
        write_channels(shop)
        shop.environ["FLUX_ASSETS_CHANNELS"] = "channels.yaml"
        yield shop


def write_channels(shop: DagsterShop, *, google: str = "", web: str = "") -> None:
    """The file, with further lines of a channel each."""
    text = CHANNELS.replace("  web:\n", f"{google}  web:\n").replace("  etsy:\n", f"{web}  etsy:\n")
    (shop.folder / "channels.yaml").write_text(text)


def publish(shop: DagsterShop, *, accept_drop: bool | None = None, by: str = "") -> Refreshed:
    """Run the job that refreshes nothing."""
    choices = {} if accept_drop is None else {"accept_drop": accept_drop}
    result = shop.definitions.resolve_job_def("publish_feeds").execute_in_process(
        run_config={
            "ops": {"product_feeds": {"config": choices}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        tags={"dagster/sensor_name": by} if by else None,
        instance=shop.instance,
        raise_on_error=False,
    )
    return Refreshed(result, shop.instance).expect(success=True)


def reject(shop: DagsterShop, product_id: str, shot: str = "hero") -> None:
    rows = shop.manifest()
    [row] = rows[(rows["product_id"] == product_id) & (rows["shot"] == shot)].to_dict("records")
    known = read_decisions(shop.store).find(row["request_fingerprint"])
    wish = Wish(
        fingerprint=row["request_fingerprint"],
        sha256=row["sha256"],
        verdict="rejected",
        seen_revision=known.revision if known else 0,
        reasons=("artefact",),
    )
    assert decide(shop.store, [wish], by="grace", via="test").applied


def version(run: Refreshed) -> str:
    [event] = run.result.asset_materializations_for_node("product_feeds")
    return (event.tags or {})["dagster/data_version"]


def shown(shop: DagsterShop, channel: str) -> list[str]:
    edition = read_last_edition(shop.store, channel)
    return [*edition.products] if edition else []


def test_a_refresh_ends_with_an_edition_and_files_of_each_enabled_channel(
    shop: DagsterShop,
) -> None:
    run = shop.refresh()
    told = run.metadata_of("product_feeds")
    assert list_newest(shop.store) == {"google": 1, "web": 1}
    for channel in ("google", "web"):
        data = shop.store.get(f"publishing/feeds/{channel}/editions/000001.parquet").data
        assert told[f"{channel}/sha256"] == hashlib.sha256(data).hexdigest()
        counts = {name: told[f"{channel}/{name}"] for name in ("edition", "shown", "changed")}
        assert counts == {"edition": 1, "shown": 5, "changed": 5}
        assert (told[f"{channel}/waiting"], told[f"{channel}/withdrawn"]) == (0, 0)
        assert run.check(f"{channel}_rules").passed
    assert told["google/feed_uri"].endswith("publishing/feeds/google.tsv")
    assert "| 001 | Chair 001 | main | nothing | hero " in told["web/changes"]
    assert "| google | 1 | 5 | 5 | 0 |  | 0 |  |" in told["channels"]
    assert run.check(PINS).passed
    assert "etsy/edition" not in told
    edition = read_last_edition(shop.store, "google")
    assert edition is not None
    assert (edition.by, edition.why) == (f"Dagster run {run.run_id}", "refresh_catalog_images")


@pytest.mark.slow
def test_a_run_with_nothing_new_makes_no_edition_and_has_the_same_version(
    shop: DagsterShop,
) -> None:
    first = shop.refresh()
    for run in (shop.refresh(), publish(shop)):
        assert version(run) == version(first)
        told = run.metadata_of("product_feeds")
        assert (told["google/edition"], told["google/shown"], told["google/changed"]) == (1, 5, 0)
        assert "google/changes" not in told
    write_channels(shop, web=RULE.format(failing="warn"))
    assert version(publish(shop)) == version(first), "a rule that only warns makes no edition"


def test_a_rejected_picture_leaves_without_a_refresh_and_its_product_is_named(
    shop: DagsterShop,
) -> None:
    first = shop.refresh()
    bill = shop.bill()
    reject(shop, "002")
    run = publish(shop, by="decision_sensor")
    told = run.metadata_of("product_feeds")
    assert (told["google/edition"], told["google/shown"], told["google/withdrawn"]) == (2, 4, 1)
    assert "| 002 | Chair 002 | main | hero " in told["google/changes"]
    assert told["google/changes"].count("Chair") == 1
    assert version(run) != version(first)
    assert run.check("google_rules").passed, "what people decide is no matter of rules"
    edition = read_last_edition(shop.store, "google")
    assert edition is not None
    assert edition.why == "decision_sensor"
    assert shop.bill() == bill
    again = shop.refresh()
    assert version(again) == version(run)
    assert shown(shop, "web") == PRODUCTS
    assert "002" not in shown(shop, "google")


@pytest.mark.slow
def test_what_waits_is_told_with_the_day_on_which_the_last_has_its_turn(shop: DagsterShop) -> None:
    write_channels(shop, google="    rollout_percent_per_day: 20\n")
    shop.refresh()
    for product_id in PRODUCTS:
        shop.set_product(product_id, title=f"Stool {product_id}")
    told = shop.refresh().metadata_of("product_feeds")
    assert (told["google/changed"], told["google/waiting"]) == (1, 4)
    edition = read_last_edition(shop.store, "google")
    assert edition is not None
    last_day = date.fromisoformat(edition.day) + timedelta(days=4)
    assert told["google/waiting_until"] == f"{last_day}"
    assert (told["web/changed"], told["web/waiting"]) == (5, 0)
    assert "web/waiting_until" not in told


@pytest.mark.slow
def test_a_drop_stops_its_own_channel_and_says_what_to_do(shop: DagsterShop) -> None:
    shop.refresh()
    write_channels(shop, google=RULE.format(failing="block"))
    shop.set_product("001", title="Stool 001")
    run = shop.refresh()
    check = run.check("google_rules")
    assert (check.passed, check.severity) == (False, ERROR)
    told = check.description or ""
    assert "5 of the 5 products that are shown would show nothing" in told
    assert "In Dagster, run the job `publish_feeds` with `accept_drop: true`" in told
    assert "is still shown, and the rules block it: Stool 001 (001), Chair 002 (002)" in told
    assert "large: at least 5000 pixels wide" in told
    assert plain_metadata(check)["shown_and_blocked"] == 5
    assert run.check("web_rules").passed
    assert list_newest(shop.store) == {"google": 1, "web": 2}

    assert not publish(shop).check("google_rules").passed
    accepted = publish(shop, accept_drop=True)
    assert shown(shop, "google") == []
    check = accepted.check("google_rules")
    assert (check.passed, check.severity) == (False, ERROR)
    assert "was shown until now, and the rules block it: " in (check.description or "")
    calm = publish(shop).check("google_rules")
    assert (calm.passed, calm.severity) == (False, WARN)
    assert "kept out by the rules: Stool 001 (001), Chair 002 (002)" in (calm.description or "")


@pytest.mark.slow
def test_a_refresh_that_accepts_a_drop_accepts_it_for_its_feeds(shop: DagsterShop) -> None:
    shop.refresh()
    for product_id in PRODUCTS[:3]:
        shop.remove_product(product_id)
    shop.failing_refresh()
    assert shown(shop, "web") == PRODUCTS
    run = shop.refresh(accept_drop=True)
    assert shown(shop, "web") == PRODUCTS[3:]
    assert run.check("web_rules").passed


def test_what_rules_warn_of_is_named_with_source_and_date(shop: DagsterShop) -> None:
    write_channels(shop, web=RULE.format(failing="warn"))
    check = shop.refresh().check("web_rules")
    assert (check.passed, check.severity) == (False, WARN)
    told = check.description or ""
    assert "the rules warn of Chair 001 (001)" in told
    assert "large (10)" in told
    table = plain_metadata(check)["pictures"]
    assert "| 001 | Chair 001 | hero | main | warn | large: at least 5000 pixels wide" in table
    assert "example.com/rules, 2026-11-26" in table
    assert plain_metadata(check)["warned"] == 10


def test_an_offer_of_another_colour_is_named_with_what_to_write(shop: DagsterShop) -> None:
    rows = ("id,item_group_id,title,color", "a,g1,Chair,red", "b,g1,Chair,blue", "c,,Desk,red")
    (shop.folder / "catalog.csv").write_text("\n".join(rows))
    check = shop.refresh().check("google_rules")
    assert (check.passed, check.severity) == (False, WARN)
    told = check.description or ""
    assert "offers without pictures: b (line 3: " in told
    assert "one_set_per: color" in told
    assert plain_metadata(check)["offers_without_pictures"] == 1
    assert "| 3 | b | g1 | Chair | " in plain_metadata(check)["offers"]


@pytest.mark.parametrize(
    ("change", "channel", "why"),
    [
        ("rejected", "every channel", "rejected by grace, "),
        pytest.param(
            *("blocked", "google", "large: at least 5000 pixels wide"), marks=pytest.mark.slow
        ),
        pytest.param(
            *("undecided", "google", "it is not approved, and this channel shows no other"),
            marks=pytest.mark.slow,
        ),
        pytest.param("nothing", "", "", marks=pytest.mark.slow),
    ],
)
def test_a_pin_that_may_not_be_shown_is_named(
    shop: DagsterShop, change: str, channel: str, why: str
) -> None:
    lines = {
        "blocked": RULE.format(failing="block"),
        "undecided": "    publish: approved_only\n",
    }
    write_channels(shop, google=lines.get(change, ""))
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    (shop.folder / "overrides.csv").write_text("product_id,shot,pin\n")
    shop.refresh()
    pin = shop.manifest_rows()["003", "hero"][0][:12]
    data = (shop.folder / "overrides.csv").read_bytes()
    pinned = set_pin(data, "overrides.csv", product_id="003", shot="hero", pin=pin)
    (shop.folder / "overrides.csv").write_bytes(pinned)
    if change == "rejected":
        reject(shop, "003")
    check = publish(shop).check(PINS)
    assert (check.passed, check.severity) == (change == "nothing", WARN)
    if change != "nothing":
        assert "Chair 003 (003)" in (check.description or "")
        assert f"| 003 | Chair 003 | hero | {channel} | {why}" in plain_metadata(check)["pins"]


@pytest.mark.slow
def test_an_overrides_file_that_cannot_be_read_fails_its_check_alone(shop: DagsterShop) -> None:
    shop.refresh()
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "gone.csv"
    run = publish(shop)
    assert not run.check(PINS).passed
    assert "gone.csv" in (run.check(PINS).description or "")
    assert run.check("web_rules").passed


@pytest.mark.slow
def test_a_channel_switched_off_or_on_since_the_location_was_loaded_hinders_none(
    shop: DagsterShop,
) -> None:
    shop.refresh()
    job = shop.definitions.resolve_job_def("publish_feeds")
    text = (shop.folder / "channels.yaml").read_text()
    changed = text.replace("enabled: false", "enabled: true")
    changed = changed.replace("  web:\n", "  web:\n    enabled: false\n")
    (shop.folder / "channels.yaml").write_text(changed)
    result = job.execute_in_process(instance=shop.instance)
    run = Refreshed(result, shop.instance).expect(success=True)
    assert {it.check_name for it in run.result.get_asset_check_evaluations()} == {
        *("google_rules", "web_rules", PINS, PUBLIC_CHECK)
    }
    assert "is not enabled" in (run.check("web_rules").description or "")
    assert list_newest(shop.store) == {"google": 1, "web": 1, "etsy": 1}


def test_before_the_first_refresh_there_is_nothing_to_publish_and_nothing_fails(
    shop: DagsterShop,
) -> None:
    run = publish(shop)
    assert all(it.passed for it in run.result.get_asset_check_evaluations())
    assert list(shop.store.list_keys("publishing/")) == []


@pytest.mark.parametrize(
    ("text", "problem", "channels"),
    [
        (CHANNELS.replace("format: google_tsv", "format: gogle_tsv"), "line 5", {"google", "web"}),
        pytest.param(
            CHANNELS.replace("shots: [wide]", "shots: [side]"),
            "line 12",
            {"google", "web"},
            marks=pytest.mark.slow,
        ),
        ("channels: [", "line 1", set()),
        pytest.param(None, "channels.yaml", set(), marks=pytest.mark.slow),
    ],
)
def test_a_channels_file_that_cannot_be_used_takes_down_what_publishes_and_nothing_else(
    shop: DagsterShop,
    caplog: pytest.LogCaptureFixture,
    text: str | None,
    problem: str,
    channels: set[str],
) -> None:
    path = shop.folder / "channels.yaml"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    specs = {spec.key.path[-1]: spec for spec in shop.definitions.resolve_all_asset_specs()}
    told = {name: spec.description or "" for name, spec in specs.items()}
    broken = {name for name, text in told.items() if "CANNOT BE MADE NOW" in text}
    assert broken == {"renditions", "product_feeds", "gallery"}
    assert problem in told["product_feeds"]
    assert problem in caplog.text
    keys = shop.definitions.resolve_asset_graph().asset_check_keys
    assert {key.name for key in keys if key.name.endswith("_rules")} == {
        f"{channel}_rules" for channel in channels
    }
    run = shop.failing_refresh()
    step, why = run.failure()
    assert step == "renditions.plan_renditions"
    assert problem in why
    assert len(shop.manifest()) == 10


def test_without_a_channels_file_nothing_of_it_is_there_and_the_manifest_says_so(
    shop: DagsterShop,
) -> None:
    del shop.environ["FLUX_ASSETS_CHANNELS"]
    definitions = shop.definitions
    specs = {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}
    assert not {"renditions", "product_feeds", "gallery"} & specs.keys()
    told = specs["image_manifest"].description or ""
    assert "FLUX_ASSETS_CHANNELS names no channels file, so nothing is published" in told
    repository = definitions.get_repository_def()
    assert "publish_feeds" not in repository.job_names
    assert not repository.has_sensor_def("decision_sensor")
    shop.environ["FLUX_ASSETS_CHANNELS"] = "channels.yaml"
    specs = {spec.key.path[-1]: spec for spec in shop.definitions.resolve_all_asset_specs()}
    assert "is published" not in (specs["image_manifest"].description or "")


def test_live_pictures_without_a_public_address_are_not_published(
    shop: DagsterShop,
) -> None:
    live = {"MODE": "live", "STORE": str(shop.folder / "store")}
    shop.environ |= {f"FLUX_ASSETS_{name}": text for name, text in live.items()}
    shop.environ["ONEMIN_API_KEY"] = "invented"
    run = shop.materialize("product_feeds").expect(success=False)
    assert "FLUX_ASSETS_PUBLIC_URL: is not set" in run.failure()[1]


@pytest.mark.slow
def test_a_shop_beside_others_assets_publishes_in_its_own_part(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_SHOP"] = "bags"
    bags = shop.definitions
    shop.refresh()
    both = dg.Definitions.merge(bags, dg.Definitions(assets=[neighbour]))
    repository = both.get_repository_def()
    assert repository.has_sensor_def("bags_decision_sensor")
    result = both.resolve_job_def("bags_publish_feeds").execute_in_process(instance=shop.instance)
    [event] = result.asset_materializations_for_node("bags__product_feeds")
    assert event.asset_key == dg.AssetKey(["bags", "product_feeds"])
    assert list(shop.store.list_keys("bags/publishing/feeds/google/"))
    assert list(shop.store.list_keys("publishing/")) == []


@dg.asset
def neighbour() -> None:
    """Stands beside them."""


@pytest.mark.slow
def test_tables_in_parts_show_the_same_products_and_make_no_edition(shop: DagsterShop) -> None:
    first = shop.refresh()
    files = {it: shop.store.get(it).data for it in shop.store.list_keys("publishing/feeds/")}
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
    for run in (shop.refresh(), publish(shop)):
        assert version(run) == version(first)
        told = run.metadata_of("product_feeds")
        assert (told["google/edition"], told["google/shown"], told["google/changed"]) == (1, 5, 0)
    assert {it: shop.store.get(it).data for it in files} == files
