"""What `products_are_recognisable` says of a manifest."""

import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from flux_assets.defs.recognition_check import RECOGNISABLE_CHECK, judge_recognition
from flux_assets.manifest.rows import COLUMNS
from flux_assets.pictures.recognition import NOT_RECOGNISABLE_BELOW
from flux_assets.prompts.shots import ShotsFile, read_shots

SHOTS = """
shots:
  hero:
    prompt: "{{ title }} on white"
  scene:
    mode: edit
    prompt: "Place this {{ title }} on a table"
  strict:
    mode: edit
    prompt: "Place this {{ title }} in a window"
    recognisable_above: 0.8
"""
_ZEROS: Mapping[str, object] = {"str": "", "bool": False, "int64": 0, "float64": 0.0}


@pytest.fixture
def shots() -> ShotsFile:
    return read_shots(SHOTS.encode(), "shots.yaml")


def row(product_id: str, recognition: float | None, **fields: object) -> dict[str, object]:
    """A manifest's row of one picture made from a photo for the shot `scene`."""
    told = {
        "product_id": product_id,
        "shot": "scene",
        "shot_mode": "edit",
        "recognition": recognition,
        "source_uri": f"https://shop.example/{product_id}.jpg",
        "object_key": f"images/scene/{product_id}/1.png",
    }
    return {name: _ZEROS[kind] for name, kind in COLUMNS.items()} | told | fields


def manifest(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict(COLUMNS))


def counts(result: dg.AssetCheckResult) -> dict[str, Any]:
    names = ("made_from_photos", "not_judged", "doubtful")
    return {name: result.metadata[name].value for name in names}


def test_it_passes_where_every_product_is_found_again(shots: ShotsFile) -> None:
    result = judge_recognition(manifest(row("1", 0.9), row("2", NOT_RECOGNISABLE_BELOW)), shots)

    assert (result.check_name, result.passed, result.description) == (
        RECOGNISABLE_CHECK,
        True,
        None,
    )
    assert counts(result) == {"made_from_photos": 2, "not_judged": 0, "doubtful": 0}
    assert "pictures" not in result.metadata


def test_it_warns_of_doubtful_pictures_the_worst_one_first(shots: ShotsFile) -> None:
    result = judge_recognition(manifest(row("1", 0.3), row("2", 0.9), row("3", 0.05)), shots)

    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "look at 3, 1: little of the photo is found again"
    lines = str(result.metadata["pictures"].value).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 3", "| 1"]
    for told in ("scene", "0.05", "https://shop.example/3.jpg", "images/scene/3/1.png"):
        assert told in lines[2]
    assert counts(result) == {"made_from_photos": 3, "not_judged": 0, "doubtful": 2}


@pytest.mark.parametrize(
    ("shot", "score", "passed"),
    [
        ("strict", 0.79, False),
        ("strict", 0.8, True),
        ("scene", 0.79, True),
        ("gone_from_the_file", 0.39, False),
        ("gone_from_the_file", 0.41, True),
    ],
)
def test_each_shot_has_its_own_threshold_or_the_default(
    shots: ShotsFile, shot: str, score: float, *, passed: bool
) -> None:
    assert judge_recognition(manifest(row("1", score, shot=shot)), shots).passed == passed


def test_what_cannot_be_judged_is_counted_and_not_doubted(shots: ShotsFile) -> None:
    result = judge_recognition(manifest(row("1", None), row("2", 0.9)), shots)

    assert result.passed
    assert counts(result) == {"made_from_photos": 2, "not_judged": 1, "doubtful": 0}


@pytest.mark.parametrize(
    ("shot", "passed"), [("scene", True), ("strict", False), ("gone_from_the_file", True)]
)
def test_without_opencv_it_says_so_and_warns_where_a_score_was_asked_for(
    shots: ShotsFile, monkeypatch: pytest.MonkeyPatch, shot: str, *, passed: bool
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    result = judge_recognition(manifest(row("1", None, shot=shot), row("2", 0.9)), shots)

    assert result.passed == passed
    assert str(result.description).startswith("pictures not judged: 1. OpenCV is not installed")
    assert "flux-assets[recognition]" in str(result.description)


def test_without_opencv_what_is_judged_is_enough(
    shots: ShotsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    result = judge_recognition(manifest(row("1", 0.9, shot="strict")), shots)
    assert (result.passed, result.description) == (True, None)


def test_pictures_from_words_and_stale_ones_are_left_out(shots: ShotsFile) -> None:
    rows = [row("1", None, shot="hero", shot_mode="generate"), row("2", 0.1, stale=True)]

    result = judge_recognition(manifest(*rows), shots)

    assert result.passed
    assert counts(result) == {"made_from_photos": 0, "not_judged": 0, "doubtful": 0}


def test_a_manifest_without_pictures_passes(shots: ShotsFile) -> None:
    assert judge_recognition(manifest(), shots).passed


def test_of_many_doubtful_products_ten_are_named_and_the_rest_counted(shots: ShotsFile) -> None:
    rows = [row(f"{number:02}", 0.1, shot=shot) for number in range(25) for shot in ("a", "b")]

    result = judge_recognition(manifest(*rows), shots)

    assert str(result.description).startswith("look at 00, 01, ")
    assert "09 and 15 more: little" in str(result.description)
    assert len(str(result.metadata["pictures"].value).splitlines()) == 2 + 20
    assert counts(result)["doubtful"] == 50
