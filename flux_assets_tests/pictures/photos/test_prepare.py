"""A photo as the editor is given it, of whatever a shop keeps."""

import io
import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image, ImageCms

from flux_assets.errors import PhotoUnusableError
from flux_assets.pictures.inspect import MAX_PIXELS
from flux_assets.pictures.memory_budget import MemoryBudget
from flux_assets.pictures.photos.prepare import MAX_SIDE_PX, flatten, prepare_photo

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(mode: str = "RGB", color: object = RED, size: tuple[int, int] = (60, 40)) -> Image.Image:
    return Image.new(mode, size, color)  # type: ignore[arg-type]


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def is_near(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def problem_of(data: bytes) -> str:
    with pytest.raises(PhotoUnusableError) as caught:
        prepare_photo(data, uri="https://shop.example/hat")
    assert caught.value.uri == "https://shop.example/hat"
    return caught.value.problem


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_every_usual_kind_becomes_a_jpeg(kind: str) -> None:
    photo = prepare_photo(encode(plain(), kind), uri="a")
    assert (photo.extension, photo.content_type) == ("jpg", "image/jpeg")
    assert (photo.width_px, photo.height_px) == (60, 40)
    image = opened(photo.data)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (60, 40))
    assert is_near(pixel(image, 30, 20), RED)


@pytest.mark.parametrize(
    ("mode", "color"),
    [("1", 1), ("L", 255), ("P", 255), ("I;16", 65_535), ("I", 65_535), ("CMYK", (0, 0, 0, 0))],
)
def test_all_colours_become_rgb(mode: str, color: object) -> None:
    image = plain(mode, color)
    if mode == "P":
        image.putpalette([255] * 768)
    kind = "JPEG" if mode == "CMYK" else "TIFF" if mode == "I" else "PNG"
    prepared = opened(prepare_photo(encode(image, kind), uri="a").data)
    assert prepared.mode == "RGB"
    assert is_near(pixel(prepared, 5, 5), (255, 255, 255), by=2)


def test_half_of_sixteen_bits_is_half_of_eight() -> None:
    data = encode(plain("I;16", 32_768))
    assert is_near(pixel(opened(prepare_photo(data, uri="a").data), 5, 5), (128, 128, 128), by=2)


def test_cmyk_keeps_its_colour() -> None:
    data = encode(plain("CMYK", (0, 255, 255, 0)), "JPEG")
    assert is_near(pixel(opened(prepare_photo(data, uri="a").data), 5, 5), (255, 0, 0))


def test_a_colour_profile_is_applied() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    for icc in (same.tobytes(), profile.tobytes(), b"no profile"):
        data = encode(plain(), icc_profile=icc)
        image = opened(prepare_photo(data, uri="a").data)
        assert is_near(pixel(image, 5, 5), RED)
        assert "icc_profile" not in image.info


def swapped_profile() -> bytes:
    """sRGB's profile with what red and blue mean exchanged."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {
        bytes(icc[at : at + 4]): at
        for at in range(132, 132 + 12 * struct.unpack_from(">I", icc, 128)[0], 12)
    }
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    icc[red + 4 : red + 12], icc[blue + 4 : blue + 12] = (
        icc[blue + 4 : blue + 12],
        icc[red + 4 : red + 12],
    )
    return bytes(icc)


def test_what_a_profile_says_of_the_numbers_is_what_the_editor_sees() -> None:
    data = encode(plain(color=(255, 0, 0)), icc_profile=swapped_profile())
    assert is_near(pixel(opened(prepare_photo(data, uri="a").data), 5, 5), (0, 0, 255), by=30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_taken_sideways_is_upright(kind: str) -> None:
    image = plain(color=RED)
    image.paste(GREEN, (0, 0, 30, 40))  # the left half, which orientation 6 puts on top
    exif = Image.Exif()
    exif[0x0112] = 6
    prepared = opened(prepare_photo(encode(image, kind, exif=exif.tobytes()), uri="a").data)
    assert prepared.size == (40, 60)
    assert is_near(pixel(prepared, 20, 10), GREEN, by=25)
    assert is_near(pixel(prepared, 20, 50), RED, by=25)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow says so, and goes on
def test_damaged_notes_of_a_camera_do_not_spoil_its_photo() -> None:
    data = encode(plain(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert prepare_photo(data, uri="a").width_px == 60


def test_no_metadata_is_left() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of Jane Doe"
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGBA")):
        color = RED if mode == "RGB" else (*RED, 9)
        data = encode(plain(mode, color), kind, exif=exif.tobytes(), comment=b"Jane Doe")
        prepared = prepare_photo(data, uri="a")
        assert b"Jane" not in prepared.data
        assert not opened(prepared.data).getexif()


def test_what_shows_through_stays_so() -> None:
    image = plain("RGBA", (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 30, 40))
    for kind in ("PNG", "WEBP"):
        photo = prepare_photo(encode(image, kind), uri="a")
        assert (photo.extension, photo.content_type) == ("png", "image/png")
        prepared = opened(photo.data)
        assert pixel(prepared, 5, 5)[3] == 0
        assert pixel(prepared, 50, 5)[3] == 255


def test_a_colour_of_a_palette_shows_through() -> None:
    image = plain("P", 0)
    image.putpalette([0, 0, 0, *RED])
    image.paste(1, (30, 0, 60, 40))
    photo = prepare_photo(encode(image, "GIF", transparency=0), uri="a")
    assert photo.extension == "png"
    assert pixel(opened(photo.data), 5, 5)[3] == 0


def test_an_alpha_that_hides_nothing_is_dropped() -> None:
    assert prepare_photo(encode(plain("RGBA", (*RED, 255))), uri="a").extension == "jpg"


def test_flattening_lays_a_photo_on_a_colour_and_leaves_a_jpeg_alone() -> None:
    image = plain("RGBA", (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 40))
    flat = opened(flatten(prepare_photo(encode(image), uri="a").data, "#1e1ec8"))
    assert (flat.format, flat.size) == ("JPEG", (60, 40))
    assert is_near(pixel(flat, 5, 5), BLUE)
    assert is_near(pixel(flat, 55, 5), RED)
    jpeg = prepare_photo(encode(plain()), uri="a").data
    assert flatten(jpeg, "#ffffff") == jpeg


def test_only_the_first_of_several_frames_counts() -> None:
    data = encode(plain(), "GIF", save_all=True, append_images=[plain(color=BLUE)])
    assert is_near(pixel(opened(prepare_photo(data, uri="a").data), 5, 5), RED)


def test_a_forty_megapixel_photo_is_made_small() -> None:
    data = encode(plain(size=(8000, 5000)), "JPEG")
    photo = prepare_photo(data, uri="a")
    assert (photo.width_px, photo.height_px) == (MAX_SIDE_PX, 1280)
    assert opened(photo.data).size == (2048, 1280)


def test_a_very_long_photo_keeps_a_side() -> None:
    photo = prepare_photo(encode(plain(size=(9000, 1))), uri="a")
    assert (photo.width_px, photo.height_px) == (2048, 1)


def test_a_small_photo_is_not_made_larger() -> None:
    assert prepare_photo(encode(plain(size=(7, 9))), uri="a").height_px == 9


@pytest.mark.parametrize("size", [(8001, 8000), (10_000, 10_000), (20_000, 20_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    data = bytearray(encode(plain(size=(1, 1)), "BMP"))
    data[18:26] = struct.pack("<ii", *size)
    assert f"more than the {MAX_PIXELS:,} pixels" in problem_of(bytes(data)) or (
        f"{size[0]} x {size[1]} pixels, more than the {MAX_PIXELS:,}" in problem_of(bytes(data))
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "nothing at all"),
        (b"<!doctype html><title>Sign in</title>", "an HTML page"),
        (b"<?xml version='1.0'?><Error/>", "an XML document"),
        (b"\x00" * 300, "300 unknown bytes"),
    ],
)
def test_what_is_no_photo_is_named(data: bytes, what: str) -> None:
    assert problem_of(data) == f"is no photo, but {what}; give the address of the photo itself"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "but a HEIC photo"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2", "but a video"),
        (b"\x1aE\xdf\xa3\x9fB\x86", "but a video"),
        (b"%PDF-1.7", "but a PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "but an SVG drawing"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<svg/>', "but an SVG drawing"),
        (b"PK\x03\x04\x14\x00", "but a ZIP archive"),
    ],
)
def test_what_is_no_photo_is_named_with_what_to_do(data: bytes, told: str) -> None:
    assert told in problem_of(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_photo_that_is_cut_short_is_not_used(kind: str) -> None:
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    data = encode(noise, kind)
    assert "damaged" in problem_of(data[: len(data) // 2])


class NotingBudget(MemoryBudget):
    """Room for everything, that notes what was asked for."""

    def __init__(self) -> None:
        super().__init__(math.inf)
        self.asked: list[float] = []

    @contextmanager
    def hold(self, amount: float) -> Iterator[None]:
        self.asked.append(amount)
        yield


@pytest.mark.parametrize(
    ("kind", "size", "unpacked"),
    [
        ("PNG", (300, 200), 300 * 200),
        ("PNG", (5_000, 100), 5_000 * 100),
        ("JPEG", (300, 200), 300 * 200),
        ("JPEG", (5_000, 100), 2_500 * 50),  # decoded no larger than is needed
    ],
)
def test_a_photo_waits_for_as_many_pixels_as_are_decoded_of_it(
    kind: str, size: tuple[int, int], unpacked: int
) -> None:
    budget = NotingBudget()
    prepare_photo(encode(plain(size=size), kind), uri="a", budget=budget)
    assert budget.asked == [unpacked]


def test_laying_a_photo_on_a_colour_waits_for_its_pixels() -> None:
    budget = NotingBudget()
    flatten(encode(plain("RGBA", (0, 0, 0, 0))), "#ffffff", budget=budget)
    assert budget.asked == [60 * 40]
