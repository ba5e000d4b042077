"""What is a picture by its own structure is one, whatever a decoder's limits are."""

import hashlib
import io
import random

import pytest
from PIL import Image

from flux_assets.errors import PictureError
from flux_assets.pictures.inspect import NoPictureError, UndecodedError, inspect_picture
from flux_assets.pictures.photos.prepare import prepare_photo
from flux_assets.pictures.previews import open_scaled
from flux_assets.pictures.structure import read_structure
from flux_assets_tests.fixtures.picture_forms import FORMS, HEIGHT, UNDECODABLE, WIDTH, draw, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is broken

KINDS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_picture_of_any_form_is_taken(form: str) -> None:
    extension, build = FORMS[form]
    data = build()
    picture = inspect_picture(data, preview_px=64)
    assert picture.extension == extension
    assert (picture.size_bytes, picture.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert picture.preview
    assert picture.appearance == ""
    assert max(open_scaled(data, longest_px=64).size) <= 64


@pytest.mark.parametrize("form", FORMS)
def test_a_product_s_photo_of_any_form_can_be_edited(form: str) -> None:
    assert prepare_photo(FORMS[form][1](), uri="a").data


@pytest.mark.parametrize("form", UNDECODABLE)
def test_a_whole_picture_that_cannot_be_decoded_is_told_from_a_damaged_one(form: str) -> None:
    with pytest.raises(UndecodedError):
        inspect_picture(UNDECODABLE[form]())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_never_whole(form: str, part: float) -> None:
    if form.startswith("bytes behind"):
        pytest.skip("what is cut off is no part of the picture")
    data = FORMS[form][1]()
    if form in {"mpo", "gain map"}:
        data = data[: data.index(b"\xff\xd9", data.index(b"\xff\xda")) + 2]
    with pytest.raises(PictureError) as caught:
        inspect_picture(data[: int(len(data) * part)])
    assert not isinstance(caught.value, UndecodedError)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_out_changes_no_pixel(kind: str) -> None:
    data = save(kind)
    structure = read_structure(data)
    assert structure is not None
    assert (structure.kind, structure.is_whole) == (kind, True)
    with (
        Image.open(io.BytesIO(structure.essence)) as essence,
        Image.open(io.BytesIO(data)) as image,
    ):
        assert essence.size == (WIDTH, HEIGHT)
        assert essence.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_a_colour_that_a_picture_says_is_transparent_stays_so() -> None:
    buffer = io.BytesIO()
    draw("P").save(buffer, "PNG", transparency=3)
    structure = read_structure(buffer.getvalue())
    assert structure is not None
    with Image.open(io.BytesIO(structure.essence)) as image:
        assert image.has_transparency_data


@pytest.mark.parametrize(
    "data",
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF", b"RIFF\xff\xff\xff\xffWEBP", b"BM", b"GIF8"],
)
def test_a_signature_alone_is_no_whole_picture(data: bytes) -> None:
    structure = read_structure(data)
    assert structure is None or not structure.is_whole
    with pytest.raises(PictureError):
        inspect_picture(data)


def test_other_files_in_the_same_containers_are_no_pictures() -> None:
    for data in (b"RIFF\x24\0\0\0WAVEfmt " + bytes(24), b"\0\0\0\x18ftypisom" + bytes(200)):
        with pytest.raises(NoPictureError):
            inspect_picture(data)


def test_no_bytes_let_it_fail_or_wait() -> None:
    dice = random.Random(5)  # noqa: S311 - no secret
    starts = [save(kind)[:200] for kind in (*KINDS, "BMP")]
    for _ in range(3_000):
        data = bytearray(dice.choice(starts) + dice.randbytes(dice.randrange(60)))
        data[dice.randrange(len(data))] = dice.randrange(256)
        read_structure(bytes(data))
