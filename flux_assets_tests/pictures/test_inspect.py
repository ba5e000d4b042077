import base64
import hashlib
import io
import random
import subprocess
import sys

import pytest
from PIL import Image

from flux_assets.errors import PictureError
from flux_assets.pictures.inspect import (
    MAX_PIXELS,
    MAX_PREVIEW_BYTES,
    NoPictureError,
    Picture,
    find_mismatches,
    inspect_picture,
    preview_markdown,
)

KINDS = {"PNG": ("png", "image/png"), "JPEG": ("jpg", "image/jpeg"), "WEBP": ("webp", "image/webp")}


def draw(kind: str, *, width: int = 48, height: int = 32, mode: str = "RGB") -> bytes:
    """A picture that does not compress well."""
    noise = random.Random(7).randbytes(width * height * 3)  # noqa: S311 - no secret
    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), noise).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def picture_of(width_px: int, height_px: int, extension: str = "png") -> Picture:
    return Picture(
        extension=extension,
        content_type="",
        width_px=width_px,
        height_px=height_px,
        size_bytes=1,
        sha256="",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_known_by_its_bytes(kind: str) -> None:
    data = draw(kind)
    picture = inspect_picture(data)
    assert (picture.extension, picture.content_type) == KINDS[kind]
    assert (picture.width_px, picture.height_px) == (48, 32)
    assert (picture.size_bytes, picture.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert picture.preview == b""


def test_a_jpeg_that_holds_further_pictures_is_a_jpeg() -> None:
    buffer = io.BytesIO()
    first = Image.new("RGB", (48, 32))
    first.save(buffer, "MPO", save_all=True, append_images=[first])
    picture = inspect_picture(buffer.getvalue(), preview_px=16)
    assert (picture.extension, picture.content_type) == KINDS["JPEG"]
    assert picture.preview


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L")])
def test_a_picture_with_any_palette_has_a_preview(kind: str, mode: str) -> None:
    preview = inspect_picture(draw(kind, mode=mode), preview_px=16).preview
    with Image.open(io.BytesIO(preview)) as small:
        assert (small.format, small.size) == ("JPEG", (16, 11))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "nothing at all"),
        (b"  <!DOCTYPE html><html>Back soon</html>", "an HTML page"),
        (b"<html>", "an HTML page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
        (b"<svg xmlns='x'/>", "an SVG drawing"),
        (b"GIF89a" + bytes(20), "26 unknown bytes"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, what: str) -> None:
    with pytest.raises(NoPictureError, match=what):
        inspect_picture(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_picture_that_is_cut_short_is_damaged_and_not_another_thing(
    kind: str, part: float
) -> None:
    data = draw(kind)
    with pytest.raises(PictureError, match="damaged") as error:
        inspect_picture(data[: int(len(data) * part)])
    assert not isinstance(error.value, NoPictureError)


@pytest.mark.parametrize("missing", [1, 2, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_even_the_last_bytes_must_be_there(kind: str, missing: int) -> None:
    with pytest.raises(PictureError):
        inspect_picture(draw(kind)[:-missing])


def test_a_changed_byte_in_a_png_is_found_by_its_checksum() -> None:
    data = bytearray(draw("PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(PictureError, match="damaged"):
        inspect_picture(bytes(data))


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_after_the_end_do_not_make_a_paid_picture_unusable(kind: str) -> None:
    assert inspect_picture(draw(kind) + bytes(5_000)).width_px == 48


def test_a_picture_that_would_fill_the_memory_is_not_opened() -> None:
    buffer = io.BytesIO()
    side = int(MAX_PIXELS**0.5) + 1
    Image.new("1", (side, side)).save(buffer, "PNG")
    with pytest.raises(PictureError, match="more than"):
        inspect_picture(buffer.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_raises_anything_else(kind: str) -> None:
    dice = random.Random(11)  # noqa: S311 - no secret
    whole = draw(kind)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(min(len(data), dice.choice([60, 200, len(data)])))
            match dice.randrange(3):
                case 0:
                    data[place] = dice.randrange(256)
                case 1:
                    del data[place : place + dice.randint(1, 40)]
                case _:
                    data[place:place] = dice.randbytes(dice.randint(1, 20))
        try:
            inspect_picture(bytes(data), preview_px=32)
        except PictureError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("size", [(1_000, 1_000), (2_000, 300)])
def test_a_preview_is_small_in_pixels_and_bytes(size: tuple[int, int]) -> None:
    preview = inspect_picture(draw("JPEG", width=size[0], height=size[1]), preview_px=256).preview
    with Image.open(io.BytesIO(preview)) as small:
        assert max(small.size) == 256
    assert len(base64.b64encode(preview)) <= MAX_PREVIEW_BYTES


@pytest.mark.parametrize(
    ("ratio", "width_px", "height_px"),
    [("1:1", 1024, 1024), ("4:5", 896, 1088), ("3:2", 1216, 832), ("16:9", 1360, 768)],
)
def test_the_vendors_rounding_of_a_ratio_is_no_mismatch(
    ratio: str, width_px: int, height_px: int
) -> None:
    asked = {"output_format": "png", "aspect_ratio": ratio}
    assert find_mismatches(picture_of(width_px, height_px), asked) == ()


@pytest.mark.parametrize(
    ("ratio", "width_px", "height_px"),
    [("1:1", 1024, 896), ("4:5", 1088, 896), ("16:9", 1024, 1024), ("4:5", 768, 1024)],
)
def test_another_ratio_is_a_mismatch(ratio: str, width_px: int, height_px: int) -> None:
    asked = {"output_format": "png", "aspect_ratio": ratio}
    (mismatch,) = find_mismatches(picture_of(width_px, height_px), asked)
    assert mismatch == f"asked for {ratio}, received {width_px} x {height_px} pixels"


def test_another_format_is_a_mismatch() -> None:
    asked = {"output_format": "jpg", "aspect_ratio": "1:1"}
    assert find_mismatches(picture_of(64, 64), asked) == ("asked for jpg, received png",)


def test_a_preview_in_markdown_cannot_break_out_of_its_place() -> None:
    markdown = preview_markdown(b"\xff\xd8", "ring](javascript:alert(1))\n![x")
    assert markdown == "![ringjavascript:alert1x](data:image/jpeg;base64,/9g=)"


def test_the_picture_library_is_loaded_only_with_the_first_picture() -> None:
    script = "import sys, flux_assets.pictures.inspect; print('PIL' in sys.modules)"
    told = subprocess.run(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"
