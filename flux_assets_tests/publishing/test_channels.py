import dataclasses
from pathlib import Path

import pytest

from flux_assets.errors import ChannelsFileError, SourceError
from flux_assets.publishing.channels import (
    THUMBNAIL,
    ChannelsFile,
    Profile,
    load_channels,
    read_channels,
)
from flux_assets.settings import Settings, load_settings

SHIPPED = Path(__file__).parents[2] / "data" / "channels.yaml"

PROFILES = """\
profiles:
  big: {width_px: 1500, height_px: 1500}
channels:
"""
SHOP = (
    PROFILES
    + """\
  shop:
    feed: {format: jsonl}
    slots:
      main: {shots: [hero], profile: big}
"""
)
RULE = """\
    rules:
      - {name: large, require: "width_px >= 500", else: block, source: a, on: 2026-11-26,
         certainty: official}
"""


def test_the_shipped_file_knows_each_channel_and_where_each_rule_is_written() -> None:
    shipped = read_channels(SHIPPED.read_bytes(), SHIPPED.name)
    names = {"google", "shopify", "meta", "amazon", "ebay", "zalando", "tiktok", "web", "etsy"}
    assert set(shipped.channels) == names
    for channel in shipped.channels.values():
        for rule in channel.rules:
            assert rule.source
            assert rule.on.isoformat() == "2026-11-26"
            assert rule.certainty != "3p" or rule.failing == "warn"
    shipped.check_shots({"hero", "lifestyle", "banner", "on_the_table"})


def test_etsy_gets_no_rendition_and_blocks_what_it_would_be_given() -> None:
    etsy = read_channels(SHIPPED.read_bytes(), SHIPPED.name).channels["etsy"]
    assert not etsy.enabled
    assert not etsy.slots
    assert ("false", "block") in [(rule.require, rule.failing) for rule in etsy.rules]


def test_the_shop_s_own_pages_get_jpeg_and_webp() -> None:
    shipped = read_channels(SHIPPED.read_bytes(), SHIPPED.name)
    slot = shipped.channels["web"].slots["main"]
    assert {shipped.profiles[name].format for name in slot.profiles} == {"jpg", "webp"}


def test_only_enabled_channels_have_their_profiles_made() -> None:
    text = SHOP + SHOP.removeprefix(PROFILES).replace("shop:", "other:").replace("big", "small")
    text = text.replace("channels:", "  small: {width_px: 100, height_px: 100}\nchannels:")
    both = _read(text)
    off = _read(text.replace("other:\n", "other:\n    enabled: false\n"))
    assert [it.name for it in both.profiles_of("hero")] == ["big", "small", "thumb_400"]
    assert [it.name for it in off.profiles_of("hero")] == ["big", "thumb_400"]
    assert [it.name for it in off.profiles_of("banner")] == ["thumb_400"]


def test_a_profile_of_its_name_takes_the_thumbnail_s_place() -> None:
    text = SHOP.replace("channels:", "  thumb_400: {width_px: 200, height_px: 200}\nchannels:")
    assert _read(SHOP).profiles["thumb_400"] == THUMBNAIL
    assert _read(text).profiles["thumb_400"].width_px == 200


def test_a_channel_s_policy_goes_before_the_file_s() -> None:
    text = f"publish: approved_only\n{SHOP}"
    assert _read(SHOP).channels["shop"].publish == "all_but_rejected"
    assert _read(text).channels["shop"].publish == "approved_only"
    own = text.replace("shop:\n", "shop:\n    publish: all_but_rejected\n")
    assert _read(own).channels["shop"].publish == "all_but_rejected"


def test_the_file_s_own_rules_hold_for_every_channel_and_slot() -> None:
    everywhere = RULE.replace("    rules", "rules").replace("large", "seen")
    only = RULE.replace("name: large", "name: large, slots: main")
    shop = _read(everywhere + SHOP + only).channels["shop"]
    assert [rule.name for rule in shop.rules_of("main")] == ["seen", "large"]
    assert [rule.name for rule in shop.rules_of("additional")] == ["seen"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (
            f"{SHOP}colour: red\n",
            8,
            "unknown key, known are publish, gallery, profiles, rules, channels",
        ),
        (SHOP.replace("width_px", "width"), 2, "unknown key, did you mean width_px?"),
        (SHOP.replace(", height_px: 1500", ""), 2, "profiles.big.height_px: is required"),
        (SHOP.replace("1500}", "wide}"), 2, "profiles.big.height_px: Input should be a valid int"),
        (SHOP.replace("1500}", "15000}"), 2, "less than or equal to 10000"),
        (SHOP.replace("1500}", "1500, fit: crop}"), 2, "'contain', 'cover' or 'pad'"),
        (SHOP.replace("1500}", "1500, background: white}"), 2, "written as '#ffffff', in quotes"),
        (SHOP.replace("1500}", "1500, format: png, quality: 3}"), 2, "`quality` is for jpg"),
        (SHOP.replace("1500}", "1500, format: webp, chroma: '4:4:4'}"), 2, "`chroma` is for jpg"),
        (SHOP.replace("1500", "9000"), 2, "at most 64,000,000 pixels"),
        (SHOP.replace("big:", "Big:"), 2, "a name takes lower-case letters"),
        (SHOP.replace("profile: big", "profile: bag"), 7, "no profile 'bag'; there are: big"),
        (SHOP.replace("big}", "big, also: [bag]}"), 7, "slots.main.also: there is no profile"),
        (SHOP.replace("big}", "big, most: 2}"), 7, "is for the slot `additional` only"),
        (SHOP.replace("main:", "first:"), 7, "slots.first: Input should be 'main'"),
        (SHOP.replace("[hero]", "[]"), 7, "slots.main.shots: at least one is required"),
        (SHOP.replace("[hero]", "[hero, hero]"), 7, "shots: 'hero' stands here a second time"),
        (SHOP.replace("[hero]", "[hero, wide, hero]"), 7, "'hero' stands here a second time"),
        (SHOP.replace("[hero]", ""), 7, "slots.main.shots"),
        (SHOP.replace("jsonl", "csv"), 5, "channels.shop.feed.format"),
        (SHOP.replace("main", "lifestyle").replace("jsonl", "meta_csv"), 7, "meta_csv has no such"),
        (SHOP.replace("jsonl", "jsonl, legacy: true"), 5, "`legacy` is for shopify_csv only"),
        (SHOP.replace("jsonl", 'jsonl, offer_id: "{{ id"'), 5, "line 1 of the template"),
        (SHOP.replace("shop:", "shop:\n    rollout_percent_per_day: 0"), 5, "greater than 0"),
        (SHOP + RULE.replace("width_px", "with_px"), 9, "no measure 'with_px'; did you mean width"),
        (SHOP + RULE.replace(" >= 500", " >="), 9, "is no expression"),
        (SHOP + RULE.replace("official", "3p"), 9, "may warn, not block"),
        (SHOP + RULE.replace("official", "rumour"), 10, "rules.0.certainty"),
        (SHOP + RULE.replace("2026-11-26", "lately"), 9, "rules.0.on"),
        (SHOP + RULE.replace("source: a, ", ""), 9, "rules.0.source: is required"),
        (SHOP + RULE.replace("else: block, ", ""), 9, "rules.0.else: is required"),
        (
            SHOP + RULE.replace("source", "by: me, source"),
            9,
            "unknown key, known are name, require, else,",
        ),
        (SHOP + RULE + RULE.partition("\n")[2], 11, "a rule 'large' stands a second time"),
        ("channels: {}\n", 1, "channels: at least one is required"),
        ("", 1, "channels: is required"),
        ("- a\n", 1, "must hold keys with their values"),
        ("channels: {shop: [}\n", 1, ""),
        (f"{SHOP}  shop: {{}}\n", 8, "channels.shop: stands here a second time"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(ChannelsFileError) as raised:
        _read(text)
    assert raised.value.line == line, str(raised.value)
    assert problem in str(raised.value)
    assert str(raised.value).startswith(f"channels.yaml, line {line}: ")


def test_a_shot_that_no_enabled_channel_can_show_is_told_with_its_line() -> None:
    with pytest.raises(ChannelsFileError, match=r"line 7.*'hero' is no shot.* has front, back"):
        _read(SHOP).check_shots(["front", "back"])
    _read(SHOP.replace("shop:\n", "shop:\n    enabled: false\n")).check_shots([])


def test_without_the_setting_nothing_is_published() -> None:
    assert load_channels(Settings()) is None


def test_the_setting_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SHOP)
    environ = {"FLUX_ASSETS_SHOTS": str(SHIPPED.with_name("shots.yaml"))}
    settings = load_settings({**environ, "FLUX_ASSETS_CHANNELS": str(tmp_path / "mine.yaml")})
    found = load_channels(settings)
    assert found is not None
    assert [it.name for it in found.enabled] == ["shop"]
    (tmp_path / "mine.yaml").write_text(SHOP.replace("hero", "front"))
    with pytest.raises(ChannelsFileError, match=r"line 7: .*'front' is no shot"):
        load_channels(settings)
    with pytest.raises(SourceError):
        load_channels(load_settings({"FLUX_ASSETS_CHANNELS": str(tmp_path / "none.yaml")}))


def test_a_profile_is_a_plain_value_of_its_keys() -> None:
    big = _read(SHOP).profiles["big"]
    assert big == Profile(name="big", width_px=1500, height_px=1500)
    assert dataclasses.replace(big, quality=90) != big


def _read(text: str) -> ChannelsFile:
    return read_channels(text.encode(), "channels.yaml")
