import base64
import io
import random

import pytest
from PIL import Image

from flux_assets.errors import PictureError
from flux_assets.pictures.inspect import MAX_PIXELS, MAX_PREVIEW_BYTES, inspect_picture
from flux_assets.pictures.previews import build_pair_preview, open_scaled

RED, BLUE = (200, 30, 30), (30, 30, 200)


def draw(color: tuple[int, int, int], size: tuple[int, int], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


def draw_noise(seed: int) -> bytes:
    """A picture that does not compress well."""
    noise = random.Random(seed).randbytes(600 * 600 * 3)  # noqa: S311 - no secret
    buffer = io.BytesIO()
    Image.frombytes("RGB", (600, 600), noise).save(buffer, "PNG")
    return buffer.getvalue()


def open_rgb(preview: bytes) -> Image.Image:
    with Image.open(io.BytesIO(preview)) as image:
        assert image.format == "JPEG"
        return image.convert("RGB")


def is_near(image: Image.Image, place: tuple[int, int], color: tuple[int, int, int]) -> bool:
    seen = image.getpixel(place)
    assert isinstance(seen, tuple)
    return all(abs(part - wanted) < 24 for part, wanted in zip(seen, color, strict=True))


@pytest.mark.parametrize(
    ("source_size", "picture_size"),
    [((800, 800), (896, 1088)), ((400, 900), (1360, 768)), ((60, 60), (1024, 1024))],
)
def test_the_source_is_at_the_left_and_the_picture_at_the_right_equally_high(
    source_size: tuple[int, int], picture_size: tuple[int, int]
) -> None:
    preview = build_pair_preview(draw(RED, source_size), draw(BLUE, picture_size), longest_px=256)
    pair = open_rgb(preview)
    assert 250 <= max(pair.size) <= 256
    left = round(source_size[0] / source_size[1] * pair.height)
    for y in (2, pair.height // 2, pair.height - 3):
        assert is_near(pair, (2, y), RED)
        assert is_near(pair, (left - 4, y), RED)
        assert is_near(pair, (left + 2, y), (255, 255, 255))
        assert is_near(pair, (left + 9, y), BLUE)
        assert is_near(pair, (pair.width - 3, y), BLUE)


@pytest.mark.parametrize("size", [(1, 3_000), (3_000, 1)])
def test_even_the_oddest_shapes_stay_within_the_longest_side(size: tuple[int, int]) -> None:
    pair = open_rgb(build_pair_preview(draw(RED, size), draw(BLUE, (500, 500)), longest_px=256))
    assert max(pair.size) <= 256


def test_a_pair_is_small_in_bytes() -> None:
    preview = build_pair_preview(draw_noise(1), draw_noise(2), longest_px=512)
    assert len(base64.b64encode(preview)) <= MAX_PREVIEW_BYTES


@pytest.mark.parametrize("source", [b"", b"<html>", draw_noise(1)[:5_000]])
def test_beside_a_damaged_source_the_picture_stands_alone(source: bytes) -> None:
    alone = open_rgb(build_pair_preview(source, draw(BLUE, (1024, 768)), longest_px=256))
    assert alone.size == (256, 192)
    assert is_near(alone, (5, 5), BLUE)


def test_a_damaged_picture_is_an_error() -> None:
    with pytest.raises(PictureError, match="no picture, but an HTML page"):
        build_pair_preview(draw(RED, (50, 50)), b"<html>", longest_px=256)


def test_what_is_see_through_is_shown_on_white() -> None:
    for mode, clear in (("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))):
        buffer = io.BytesIO()
        Image.new(mode, (40, 40), clear).save(buffer, "PNG")
        assert open_scaled(buffer.getvalue(), longest_px=20).getpixel((10, 10)) == (255, 255, 255)


def test_a_photo_that_was_taken_sideways_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the orientation tag: a quarter turn
    buffer = io.BytesIO()
    Image.new("RGB", (400, 200)).save(buffer, "JPEG", exif=exif)
    assert open_scaled(buffer.getvalue(), longest_px=100).size == (50, 100)


def test_a_photo_that_would_fill_the_memory_is_not_opened() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    with pytest.raises(PictureError, match="more than"):
        open_scaled(buffer.getvalue(), longest_px=100)


def damage_exif(data: bytes) -> bytes:
    """The same picture, whose EXIF says something that Pillow stumbles over when it turns it."""
    exif = (
        "4578696600004d4d002a00000008000201070002000000027800000001120003000000010006000000000000"
    )
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(buffer, "JPEG", exif=bytes.fromhex(exif))
    return buffer.getvalue()


def test_what_a_pictures_exif_says_in_vain_spoils_no_preview() -> None:
    sound, odd = draw((200, 0, 0), (60, 40), "JPEG"), damage_exif(draw((0, 0, 200), (60, 40)))
    assert inspect_picture(odd).width_px == 60
    for pair in ((sound, odd), (odd, sound)):
        assert open_rgb(build_pair_preview(*pair, longest_px=64)).size == (64, 20)
