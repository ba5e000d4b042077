"""Which pictures show nothing, and that no plain picture of a product is called so."""

import io
import random
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image, ImageDraw, ImageFilter

from flux_assets.image_api.simulator.pictures import draw_picture
from flux_assets.pictures.appearance import digest_pixels, judge_appearance, shrink
from flux_assets.pictures.inspect import inspect_picture
from flux_assets_tests.fixtures.product_photos import Kind, draw_photo, draw_product

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "photos").iterdir())
WHITE = (255, 255, 255)


def judge(image: Image.Image) -> str:
    return judge_appearance(shrink(image.copy()))


def simulated(ratio: str = "1:1", megapixels: float = 1.0, kind: str = "png") -> bytes:
    return draw_picture(
        prompt="A gold ring on white",
        seed=7,
        aspect_ratio=ratio,
        megapixels=megapixels,
        output_format=kind,
        output_quality=80,
    )


def dot(
    side: int, color: tuple[int, int, int], ground: tuple[int, int, int] = WHITE
) -> Image.Image:
    """A product of one colour, so many pixels large in a picture of 1,024."""
    image = Image.new("RGB", (1024, 1024), ground)
    ImageDraw.Draw(image).ellipse((500, 480, 500 + side, 480 + side), fill=color)
    return image


@pytest.mark.parametrize("photo", SAMPLES, ids=lambda path: path.name)
def test_a_real_photo_on_a_plain_ground_shows_something(photo: Path) -> None:
    with Image.open(photo) as image:
        assert judge(image) == ""


@pytest.mark.parametrize("ratio", ["1:1", "16:9", "9:16"])
@pytest.mark.parametrize("megapixels", [0.005, 0.05, 1.0])
def test_a_simulated_picture_shows_something(ratio: str, megapixels: float) -> None:
    assert inspect_picture(simulated(ratio, megapixels)).appearance == ""


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_drawn_product_on_white_shows_something(kind: Kind) -> None:
    assert inspect_picture(draw_photo(draw_product(kind, 1))).appearance == ""


@pytest.mark.parametrize(
    "image",
    [
        dot(10, (192, 160, 96)),
        dot(20, (244, 244, 242)),
        dot(300, (250, 248, 246)),
        dot(40, (60, 60, 64), ground=(0, 0, 0)),
        dot(200, (200, 30, 30), ground=(128, 128, 128)),
    ],
    ids=["tiny", "near white", "cream on white", "dark on black", "red on grey"],
)
def test_a_small_or_pale_product_is_no_blank(image: Image.Image) -> None:
    assert judge(image) == ""


def test_a_product_before_a_ground_out_of_focus_is_sharp() -> None:
    with Image.open(SAMPLES[0]) as photo:
        sharp = photo.convert("RGB").resize((1024, 1024))
    scene = sharp.filter(ImageFilter.GaussianBlur(50))
    scene.paste(sharp.resize((160, 160)), (700, 600))
    assert judge(scene) == ""


@pytest.mark.parametrize("level", [0, 12])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_black_is_told_in_every_format(level: int, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1024, 768), (level, level, level)).save(buffer, kind)
    assert inspect_picture(buffer.getvalue()).appearance == "black"


@pytest.mark.parametrize("color", [WHITE, (128, 128, 128), (250, 200, 10)])
def test_one_colour_is_told_also_with_noise(color: tuple[int, int, int]) -> None:
    image = Image.new("RGB", (1024, 768), color)
    assert judge(image) == "one colour"
    noise = random.Random(1).randbytes(1024 * 768 * 3)  # noqa: S311 - no secret
    grain = Image.frombytes("RGB", image.size, noise).point(lambda value: value // 32)
    assert judge(Image.blend(image, grain, 0.1)) == "one colour"


@pytest.mark.parametrize("radius", [8, 12, 20, 50])
def test_a_blurred_picture_is_told(radius: int) -> None:
    with Image.open(io.BytesIO(simulated())) as image:
        assert judge(image.filter(ImageFilter.GaussianBlur(radius))) == "blurred"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "CMYK", "I;16", "1"])
def test_the_form_of_a_picture_makes_no_difference(mode: str) -> None:
    """A black product on nothing, and one of 16 bits."""
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).ellipse((60, 60, 140, 140), fill=0)
    if mode in {"RGBA", "LA"}:
        cut_out = Image.new("LA", image.size, (0, 0))
        cut_out.putalpha(image.point(lambda value: 255 - value))
        image = cut_out.convert(mode)
    elif mode == "I;16":
        image = image.convert("I").point(lambda value: value * 256).convert("I;16")
    else:
        image = image.convert(mode)
    assert judge(image) == ""


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (900, 2)])
def test_a_picture_of_hardly_any_pixels_is_judged(size: tuple[int, int]) -> None:
    assert judge(Image.new("RGB", size, "red")) == "one colour"


def test_the_digest_is_of_the_pixels_and_not_of_the_file() -> None:
    png = simulated()
    with Image.open(io.BytesIO(png)) as image:
        again = io.BytesIO()
        image.save(again, "PNG", compress_level=9)
        other = digest_pixels(shrink(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    digest = inspect_picture(png).pixels_digest
    assert again.getvalue() != png
    assert (inspect_picture(again.getvalue()).pixels_digest, len(digest)) == (digest, 32)
    assert other != digest
