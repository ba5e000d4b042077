import dataclasses
from pathlib import Path
from typing import Any

import pytest

from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.rendition_table import RenditionRow
from flux_assets.publishing.rules import Finding, judge, worst_of

SHIPPED = Path(__file__).parents[2] / "data" / "channels.yaml"
CHANNELS = read_channels(SHIPPED.read_bytes(), SHIPPED.name).channels
GOOD = RenditionRow(
    product_id="1",
    shot="hero",
    profile="p",
    profile_digest="d",
    request_fingerprint="f",
    master_sha256="m",
    object_key="publishing/renditions/1/hero/a.jpg",
    sha256="s",
    width_px=1600,
    height_px=1600,
    size_bytes=200_000,
    format="jpg",
    mark="trainedAlgorithmicMedia",
    border_white=1.0,
    frame_share=0.87,
    upscaled=False,
    appearance="",
    c2pa=False,
    c2pa_state="",
    c2pa_issuer="",
    c2pa_actions="",
)


def _judge(
    channel: str,
    slot: Any = "main",  # noqa: ANN401 - a slot's name
    *,
    made_from: str = "photo",
    repeated: bool = False,
    **changes: object,
) -> dict[str, Finding]:
    row = GOOD._replace(**changes)  # type: ignore[arg-type]
    measures = dataclasses.asdict(row.measures(made_from=made_from, repeated=repeated))
    return {it.rule.name: it for it in judge(measures, CHANNELS[channel].rules_of(slot))}


@pytest.mark.parametrize("channel", ["google", "amazon", "ebay", "tiktok", "meta", "web"])
def test_a_good_rendition_passes(channel: str) -> None:
    found = _judge(channel)
    assert found == {}
    assert worst_of(found.values()) == "pass"


@pytest.mark.parametrize(
    ("channel", "changes", "rule", "verdict"),
    [
        ("google", {"width_px": 499}, "large_enough", "block"),
        ("google", {"height_px": 1499}, "recommended_size", "warn"),
        ("google", {"mark": ""}, "marked_as_generated", "block"),
        (
            "google",
            {"mark": "compositeWithTrainedAlgorithmicMedia"},
            "marked_as_generated",
            "block",
        ),
        ("google", {"upscaled": True}, "not_scaled_up", "block"),
        ("google", {"size_bytes": 16_000_001}, "not_too_large", "block"),
        ("google", {"format": "png"}, "extension_is_true", "block"),
        ("google", {"frame_share": 0.5}, "fills_the_frame", "warn"),
        ("google", {"made_from": "words"}, "main_of_a_photo", "warn"),
        ("google", {"appearance": "black"}, "shows_something", "block"),
        ("google", {"repeated": True}, "of_one_product", "warn"),
        ("amazon", {"border_white": 0.5}, "white_to_the_edge", "block"),
        ("amazon", {"frame_share": 0.5}, "fills_the_frame", "block"),
        ("amazon", {"made_from": "words"}, "main_of_a_photo", "block"),
        ("etsy", {}, "of_the_item_itself", "block"),
        ("zalando", {}, "upright", "block"),
        ("shopify", {"width_px": 5000}, "not_too_large", "block"),
    ],
)
def test_what_a_channel_does_not_take_is_told_with_its_source(
    channel: str, changes: dict[str, Any], rule: str, verdict: str
) -> None:
    finding = _judge(channel, **changes)[rule]
    assert finding.verdict == verdict
    assert finding.reason.startswith(f"{rule}: ")
    assert finding.reason.endswith(f"({finding.rule.source}, 2026-11-26)")


def test_the_reason_says_what_was_measured() -> None:
    told = _judge("google", width_px=400)["large_enough"].told
    assert told.endswith("for all products from 2027-01-31; width_px is 400, height_px is 1600")


def test_a_rule_of_a_slot_holds_for_that_slot_alone() -> None:
    assert "main_of_a_photo" in _judge("amazon", made_from="words")
    assert _judge("amazon", "additional", made_from="words", border_white=0.1) == {}


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_what_is_unknown_neither_passes_nor_blocks(unknown: float | None) -> None:
    finding = _judge("amazon", frame_share=unknown)["fills_the_frame"]
    assert finding.verdict == "warn"
    assert finding.told.endswith("frame_share is unknown")


def test_the_worst_of_all_counts() -> None:
    found = list(_judge("google", width_px=499, frame_share=0.5).values())
    assert worst_of(found) == "block"
    assert worst_of(it for it in found if it.verdict == "warn") == "warn"
    assert worst_of([]) == "pass"
