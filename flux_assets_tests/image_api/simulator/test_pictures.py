import hashlib
import io
from typing import Any

import pytest
from PIL import Image, ImageChops

from flux_assets.image_api.parameters import ASPECT_RATIOS
from flux_assets.image_api.simulator.pictures import draw_picture, picture_size


def _draw(**changes: Any) -> bytes:  # noqa: ANN401  # any argument of draw_picture
    arguments = {
        "prompt": "Studio photograph of Anchor Bracelet Mens in gold",
        "seed": 1,
        "aspect_ratio": "1:1",
        "megapixels": 0.05,
        "output_format": "png",
        "output_quality": 80,
    }
    return draw_picture(**{**arguments, **changes})


def _pixels(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image.convert("RGB")


def _differing_share(one: bytes, other: bytes) -> float:
    difference = ImageChops.difference(_pixels(one), _pixels(other)).convert("L")
    return 1 - difference.histogram()[0] / (difference.width * difference.height)


def test_the_same_request_gives_the_same_bytes() -> None:
    assert _draw() == _draw()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"prompt": "Studio photograph of Leather Tote Bag in gold"},
        {"aspect_ratio": "4:5"},
        {"output_format": "jpg"},
    ],
)
def test_whatever_is_asked_differently_gives_another_picture(change: dict[str, Any]) -> None:
    assert hashlib.sha256(_draw(**change)).digest() != hashlib.sha256(_draw()).digest()


def test_another_product_is_another_object_before_the_same_scene() -> None:
    share = _differing_share(_draw(), _draw(prompt="Studio photograph of Red Ceramic Mug"))
    assert 0.05 < share < 0.6


def test_another_seed_is_another_scene() -> None:
    assert _differing_share(_draw(), _draw(seed=2)) > 0.9


@pytest.mark.parametrize("product", ["Olive Tote Bag", "Zeta Gizmo"])
def test_one_product_looks_alike_in_two_shots(product: str) -> None:
    def middle(prompt: str) -> bytes:
        image = _pixels(_draw(prompt=prompt, seed=5))
        return image.crop((0, image.height // 3, image.width, image.height * 4 // 5)).tobytes()

    studio = middle(f"Studio photograph of {product}, white background")
    assert studio == middle(f"Lifestyle picture: {product} in a red kitchen")
    assert studio != middle("Lifestyle picture: Navy Tote Bag in a red kitchen")


def test_every_picture_bears_the_sample_ribbon() -> None:
    ribbon_red = (118, 44, 60)
    for aspect_ratio in ASPECT_RATIOS:
        image = _pixels(_draw(aspect_ratio=aspect_ratio, megapixels=0.5))
        corner = image.crop((image.width * 3 // 5, 0, image.width, image.height // 3))
        ribbon = Image.new("RGB", corner.size, ribbon_red)
        near = ImageChops.difference(corner, ribbon).convert("L").point(lambda v: 255 * (v < 40))
        assert near.histogram()[255] / (corner.width * corner.height) > 0.05


@pytest.mark.parametrize("aspect_ratio", ASPECT_RATIOS)
def test_large_pictures_have_about_a_megapixel_and_a_near_ratio(aspect_ratio: str) -> None:
    width, height = picture_size(aspect_ratio, 1.0)
    across, down = (int(part) for part in aspect_ratio.split(":"))
    assert width % 16 == height % 16 == 0
    assert 0.9e6 < width * height <= 1024 * 1024
    assert width / height == pytest.approx(across / down, rel=0.03)


def test_large_pictures_have_the_sizes_known_of_the_vendors_models() -> None:
    assert picture_size("4:5", 1.0) == (896, 1088)
    assert picture_size("3:2", 1.0) == (1216, 832)


@pytest.mark.parametrize("aspect_ratio", ASPECT_RATIOS)
def test_small_pictures_keep_the_ratio(aspect_ratio: str) -> None:
    image = _pixels(_draw(aspect_ratio=aspect_ratio, megapixels=0.01))
    across, down = (int(part) for part in aspect_ratio.split(":"))
    assert image.width * down == image.height * across
    assert image.width * image.height <= 256 * 144


def test_the_format_is_the_one_asked_for() -> None:
    assert Image.open(io.BytesIO(_draw())).format == "PNG"
    assert Image.open(io.BytesIO(_draw(output_format="jpg"))).format == "JPEG"


def test_jpeg_quality_is_honoured_over_its_whole_range() -> None:
    sizes = [len(_draw(output_format="jpg", output_quality=q)) for q in (0, 50, 80, 100)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("prompt", ["x", "längere Wörter 漢字 \U0001f600", "word " * 2000, "\n\t"])
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    assert _pixels(_draw(prompt=prompt))


@pytest.mark.parametrize("aspect_ratio", [it for it in ASPECT_RATIOS if ":" in it])
def test_no_channels_cut_takes_the_word_sample_away(aspect_ratio: str) -> None:
    picture = _pixels(_draw(aspect_ratio=aspect_ratio, megapixels=0.5))
    of_word = Image.new("RGB", picture.size, (118, 44, 60))
    differing = ImageChops.difference(picture, of_word).convert("L")
    box = differing.point(lambda value: 255 * (value == 0)).getbbox()
    assert box
    left, top, right, bottom = box
    for width, height in ((1, 1), (4, 5), (9, 16), (16, 9), (3, 4)):
        scale = min(picture.width / width, picture.height / height)
        cut = (picture.width - scale * width) / 2, (picture.height - scale * height) / 2
        assert cut[0] < left < right < picture.width - cut[0]
        assert cut[1] < top < bottom < picture.height - cut[1], (width, height)
