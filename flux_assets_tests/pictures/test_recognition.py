import io
import logging
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import pytest
from PIL import Image

from flux_assets.pictures import recognition
from flux_assets.pictures.recognition import NOT_RECOGNISABLE_BELOW, score_recognition
from flux_assets.pictures.recognition_library import explain_absence
from flux_assets_tests.fixtures.product_photos import Kind, draw_photo, draw_product, encode
from flux_assets_tests.fixtures.product_scenes import (
    Edit,
    compose,
    draw_scene,
    mirror_print,
)

JUDGED: tuple[Kind, ...] = ("printed", "patterned", "textured")


@cache
def product_of(kind: Kind) -> Image.Image:
    return draw_product(kind, 0)


@cache
def picture_of(kind: Kind) -> bytes:
    return compose(product_of(kind), 3, Edit())


@cache
def photo_of(kind: Kind) -> bytes:
    return draw_photo(product_of(kind))


def score(source: bytes, picture: bytes) -> float:
    """The score of what can be judged."""
    scored = score_recognition(source, picture)
    assert scored is not None
    return scored


@pytest.mark.parametrize("kind", JUDGED)
def test_the_product_is_found_again_in_another_scene(kind: Kind) -> None:
    edit = Edit(scale=0.7, rotation=12, perspective=0.1, jpeg_quality=60)
    assert score(photo_of(kind), compose(product_of(kind), 3, edit)) > NOT_RECOGNISABLE_BELOW + 0.2


@pytest.mark.parametrize("kind", JUDGED)
def test_another_product_of_the_same_shape_is_not_recognised(kind: Kind) -> None:
    other = compose(draw_product(kind, 1, shape=0), 3, Edit(scale=0.7))
    assert score(photo_of(kind), other) < NOT_RECOGNISABLE_BELOW


@pytest.mark.parametrize("kind", JUDGED)
def test_the_scene_alone_counts_for_nothing(kind: Kind) -> None:
    assert score(photo_of(kind), encode(draw_scene(3))) == 0


def test_a_mirrored_print_is_not_recognised() -> None:
    mirrored = compose(mirror_print(product_of("printed")), 3, Edit())
    assert score(photo_of("printed"), mirrored) < NOT_RECOGNISABLE_BELOW


def test_which_scene_the_product_stands_in_hardly_matters() -> None:
    scores = [
        score(photo_of("printed"), compose(product_of("printed"), scene, Edit()))
        for scene in (4, 5, 6)
    ]
    assert max(scores) - min(scores) < 0.15


def test_what_hides_the_product_lowers_the_score() -> None:
    seen, half_hidden = (
        score(photo_of("printed"), compose(product_of("printed"), 3, Edit(occluded=share)))
        for share in (0.0, 0.5)
    )
    assert half_hidden < seen - 0.3


@pytest.mark.parametrize("kind", JUDGED)
def test_the_photo_itself_is_recognised_almost_wholly(kind: Kind) -> None:
    assert score(photo_of(kind), photo_of(kind)) > 0.95


@pytest.mark.parametrize("kind", ["glossy", "cushion", "jewellery"])
def test_a_plain_or_very_fine_product_cannot_be_judged(kind: Kind) -> None:
    assert score_recognition(photo_of(kind), picture_of(kind)) is None


def test_a_single_dense_logo_is_too_little_to_judge_by() -> None:
    logo = Image.new("RGBA", (1024, 1024), (0, 0, 0, 0))
    logo.paste(product_of("printed").resize((90, 90)), (460, 460))
    shirt = product_of("cushion").copy()
    shirt.alpha_composite(logo)
    assert score_recognition(draw_photo(shirt), compose(shirt, 3, Edit())) is None


def test_the_same_words_under_another_print_do_not_make_it_the_product() -> None:
    other = compose(draw_product("printed", 1, shape=0, words=0), 3, Edit(scale=0.7))
    assert score(photo_of("printed"), other) < NOT_RECOGNISABLE_BELOW


def test_a_cut_out_photo_is_judged_like_one_on_white() -> None:
    cut_out = encode(product_of("printed"), "PNG")
    picture = picture_of("printed")
    on_white = score(photo_of("printed"), picture)
    assert score(cut_out, picture) == pytest.approx(on_white, abs=0.15)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "L"), ("PNG", "P"), ("WEBP", "RGBA")])
def test_the_kind_of_file_hardly_matters(kind: str, mode: str) -> None:
    with Image.open(io.BytesIO(picture_of("printed"))) as picture:
        converted = encode(picture.convert(mode), kind)
    assert score(photo_of("printed"), converted) > NOT_RECOGNISABLE_BELOW + 0.2


@pytest.mark.parametrize("side_px", [160, 320])
def test_the_product_is_found_again_even_in_a_tiny_picture(side_px: int) -> None:
    with Image.open(io.BytesIO(compose(product_of("printed"), 3, Edit(scale=0.9)))) as picture:
        tiny = encode(picture.resize((side_px, side_px)))
    assert score(photo_of("printed"), tiny) > NOT_RECOGNISABLE_BELOW


def test_even_a_tiny_photo_is_found_again() -> None:
    with Image.open(io.BytesIO(photo_of("printed"))) as photo:
        tiny = encode(photo.resize((160, 160)))
    assert score(tiny, picture_of("printed")) > NOT_RECOGNISABLE_BELOW


@pytest.mark.parametrize("size", [(1, 1), (31, 31), (1, 5_000), (5_000, 3)])
def test_no_odd_size_raises(size: tuple[int, int]) -> None:
    odd = encode(Image.effect_noise(size, 90), "PNG")
    assert score_recognition(photo_of("printed"), odd) == 0
    score_recognition(odd, photo_of("printed"))


@pytest.mark.parametrize(
    "damaged", [b"", b"<html>", photo_of("glossy")[:2_000]], ids=["nothing", "page", "cut short"]
)
def test_what_does_not_open_is_logged_and_not_judged(
    damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert score_recognition(damaged, photo_of("printed")) is None
        assert score_recognition(photo_of("printed"), damaged) is None
    assert [record.message[:21] for record in caplog.records] == ["No recognition score:"] * 2


def test_an_error_of_the_image_library_loses_no_picture(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise cv2.error("no memory")

    monkeypatch.setattr(cv2.BFMatcher, "create", fail)
    assert score_recognition(photo_of("printed"), photo_of("printed")) is None
    assert "no memory" in caplog.text


def test_without_the_image_library_nothing_is_judged_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recognition._tell_once.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    for _ in range(3):
        assert score_recognition(photo_of("printed"), photo_of("printed")) is None
    assert caplog.text.count("pip install 'flux-assets[recognition]'") == 1


def test_an_image_library_that_does_not_load_is_not_told_to_be_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = "libGL.so.1: cannot open shared object file"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({told!r})")
    monkeypatch.delitem(sys.modules, "cv2")
    monkeypatch.syspath_prepend(tmp_path)
    assert explain_absence() == f"OpenCV does not load: {told}"


def test_no_damage_inside_a_picture_raises() -> None:
    dice = random.Random(5)  # noqa: S311 - no secret
    with Image.open(io.BytesIO(photo_of("textured"))) as photo:
        whole = encode(photo.resize((96, 96)))
    for _ in range(20):
        data = bytearray(whole)
        data[dice.randrange(len(data))] = dice.randrange(256)
        score_recognition(bytes(data), whole)


def test_many_threads_give_the_same_scores_as_one() -> None:
    pairs = [(photo_of(kind), picture_of(kind)) for kind in JUDGED]
    alone = [score_recognition(*pair) for pair in pairs]
    with ThreadPoolExecutor(24) as pool:
        together = list(pool.map(lambda pair: score_recognition(*pair), pairs * 3))
    assert together == alone * 3


def test_the_image_library_is_loaded_only_with_the_first_score() -> None:
    script = (
        "import sys, flux_assets.pictures.recognition; "
        "print({'cv2', 'numpy', 'PIL'} & set(sys.modules))"
    )
    told = subprocess.run(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout == "set()\n"
