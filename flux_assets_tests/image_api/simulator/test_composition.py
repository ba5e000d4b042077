import io
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from flux_assets.image_api.parameters import ASPECT_RATIOS
from flux_assets.image_api.simulator.photos import PhotoError, cut_out, open_photo
from flux_assets.image_api.simulator.pictures import draw_picture, matching_size
from flux_assets_tests.fixtures.simulators import draw_photo

RED = (200, 30, 30)
WHITE = (255, 255, 255)


def _compose(photo: bytes, **changes: Any) -> bytes:  # noqa: ANN401  # any argument of draw_picture
    arguments = {
        "prompt": "On a table in a bright kitchen",
        "seed": 1,
        "aspect_ratio": "1:1",
        "megapixels": 0.05,
        "output_format": "png",
        "output_quality": 80,
    }
    return draw_picture(photo=photo, **{**arguments, **changes})


def _pixels(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _red_mask(image: Image.Image) -> Image.Image:
    """Where a picture shows the red product, in light or shade; the ribbon is less red."""
    red, green, blue = image.split()
    others = ImageChops.lighter(green, blue).point(lambda v: min(255, 2.6 * v))
    mask = ImageChops.subtract(red, others).point(lambda v: 255 * (v > 0))
    mask.paste(0, (image.width // 2, 0, image.width, image.height // 4))
    return mask


def _encode(image: Image.Image, picture_format: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401  # of Pillow's formats
    encoded = io.BytesIO()
    image.save(encoded, picture_format, **options)
    return encoded.getvalue()


def _opacity(product: Image.Image, point: tuple[int, int]) -> object:
    return product.getchannel("A").getpixel(point)


# --- The composed picture --------------------------------------------------------------------


def test_the_same_photo_and_request_give_the_same_bytes() -> None:
    assert _compose(draw_photo()) == _compose(draw_photo())


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"prompt": "In a garden"}, {"aspect_ratio": "4:5"}, {"megapixels": 0.1}]
)
def test_whatever_is_asked_differently_composes_another_picture(change: dict[str, Any]) -> None:
    assert _compose(draw_photo(), **change) != _compose(draw_photo())


def test_another_photo_is_another_product_before_the_same_backdrop() -> None:
    one, other = (_pixels(_compose(draw_photo(product=each))) for each in (RED, (20, 60, 200)))
    middle = (one.width // 2, one.height * 3 // 5)
    assert one.getpixel(middle) != other.getpixel(middle)
    assert one.getpixel((2, 2)) == other.getpixel((2, 2))


@pytest.mark.parametrize("background", [WHITE, (240, 238, 236), (40, 90, 60), (0, 0, 0, 0)])
@pytest.mark.parametrize("seed", range(4))
def test_the_product_fills_about_half_of_the_frame(background: Any, seed: int) -> None:  # noqa: ANN401  # RGB or RGBA
    photo = draw_photo((300, 300), background=background, product=RED)
    picture = _pixels(_compose(photo, seed=seed))
    box = _red_mask(picture).getbbox()
    assert box is not None
    left, top, right, bottom = box
    for share in ((right - left) / picture.width, (bottom - top) / picture.height):
        assert 0.45 < share < 0.7
    assert 0.6 < bottom / picture.height < 0.95


@pytest.mark.parametrize("aspect_ratio", [*ASPECT_RATIOS, "match_input_image"])
@pytest.mark.parametrize("megapixels", [0.01, 0.02])
def test_tiny_pictures_show_the_product_too(aspect_ratio: str, megapixels: float) -> None:
    photo = draw_photo((300, 450))
    picture = _pixels(_compose(photo, aspect_ratio=aspect_ratio, megapixels=megapixels))
    assert _red_mask(picture).getbbox()


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 2)])
@pytest.mark.parametrize("aspect_ratio", ["16:9", "match_input_image"])
def test_a_photo_of_any_size_is_composed(size: tuple[int, int], aspect_ratio: str) -> None:
    assert _pixels(_compose(_encode(Image.new("RGB", size, RED)), aspect_ratio=aspect_ratio))


def test_a_photo_that_cannot_be_decoded_is_an_error() -> None:
    with pytest.raises(PhotoError):
        _compose(draw_photo()[:90])


# --- The frame that a photo's ratio gives ----------------------------------------------------


def test_large_frames_are_on_the_grid_of_the_vendors_models() -> None:
    assert matching_size((1200, 1500), 1.0) == (896, 1088)
    assert matching_size((3000, 2000), 1.0) == (1216, 832)
    assert matching_size((777, 777), 1.0) == (1024, 1024)


@pytest.mark.parametrize("size", [(800, 800), (1200, 1500), (3000, 2000), (1600, 900), (90, 120)])
@pytest.mark.parametrize("megapixels", [0.01, 0.02, 0.1])
def test_small_frames_come_near_to_the_ratio(size: tuple[int, int], megapixels: float) -> None:
    width, height = matching_size(size, megapixels)
    assert width % 16 == height % 16 == 0
    assert width / height == pytest.approx(size[0] / size[1], rel=0.04)
    assert 0.5 < width * height / (megapixels * 1024 * 1024) < 2


@pytest.mark.parametrize("megapixels", [0.01, 1.0])
def test_frames_are_never_slimmer_than_four_to_one(megapixels: float) -> None:
    width, height = matching_size((9000, 3), megapixels)
    assert (height, width) == matching_size((3, 9000), megapixels)
    assert width == 4 * height


# --- Opening photos --------------------------------------------------------------------------


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_photos_are_opened_in_every_uploaded_format(picture_format: str, mode: str) -> None:
    image = Image.new("RGB", (300, 200), RED).convert(mode)
    if picture_format in {"JPEG", "WEBP"} and mode == "P":
        image = image.convert("RGB")
    photo = open_photo(_encode(image, picture_format), 90)
    assert (photo.mode, photo.size) == ("RGBA", (90, 60))


def test_a_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    photo = open_photo(_encode(Image.new("RGB", (300, 200), RED), "JPEG", exif=exif), 90)
    assert photo.size == (60, 90)


def test_a_photo_of_too_many_pixels_is_refused_unopened() -> None:
    huge = _encode(Image.new("1", (8001, 8000)))
    with pytest.raises(PhotoError, match="8001 x 8000 pixels are too many"):
        open_photo(huge, 90)


# --- Cutting the product out -----------------------------------------------------------------


def test_a_uniform_background_is_cut_away_and_what_it_encloses_is_kept() -> None:
    photo = Image.new("RGB", (300, 300), WHITE)
    draw = ImageDraw.Draw(photo)
    draw.rectangle((90, 60, 209, 239), fill=RED)
    draw.rectangle((120, 120, 179, 179), fill=WHITE)  # a label in the background's colour
    product = cut_out(photo.convert("RGBA"))
    assert product.size == pytest.approx((120, 180), abs=4)
    assert _opacity(product, (product.width // 2, product.height // 2)) == 255
    assert _opacity(product, (8, 8)) == 255


def test_the_corners_around_a_round_product_become_transparent() -> None:
    photo = Image.new("RGB", (300, 300), WHITE)
    ImageDraw.Draw(photo).ellipse((50, 50, 249, 249), fill=RED)
    product = cut_out(photo.convert("RGBA"))
    assert _opacity(product, (4, 4)) == 0
    assert _opacity(product, (product.width // 2, product.height // 2)) == 255


def test_a_soft_shadow_is_no_part_of_the_product() -> None:
    photo = Image.new("RGB", (600, 600), WHITE)
    ImageDraw.Draw(photo).ellipse((140, 420, 460, 500), fill=(185, 185, 185))
    photo = photo.filter(ImageFilter.GaussianBlur(16))
    ImageDraw.Draw(photo).rectangle((200, 150, 399, 449), fill=RED)
    product = cut_out(photo.convert("RGBA"))
    assert product.size == pytest.approx((200, 300), abs=12)


def test_a_soft_bright_product_on_black_is_kept() -> None:
    photo = Image.new("RGB", (600, 600))
    ImageDraw.Draw(photo).ellipse((150, 150, 449, 449), fill=(220, 220, 220))
    product = cut_out(photo.filter(ImageFilter.GaussianBlur(20)).convert("RGBA"))
    assert product.size == pytest.approx((340, 340), abs=40)
    assert _opacity(product, (product.width // 2, product.height // 2)) == 255


def test_a_photo_with_transparency_is_cut_by_it() -> None:
    photo = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    photo.paste((*WHITE, 255), (100, 50, 200, 250))
    product = cut_out(photo)
    assert product.size == (100, 200)
    assert product.getchannel("A").getextrema() == (255, 255)


def _gradient() -> Image.Image:
    return Image.linear_gradient("L").resize((300, 200)).convert("RGB")


@pytest.mark.parametrize(
    "photo", [_gradient(), Image.new("RGB", (300, 200), WHITE), Image.new("RGBA", (300, 200))]
)
def test_a_photo_that_shows_no_single_product_is_used_whole(photo: Image.Image) -> None:
    product = cut_out(photo.convert("RGBA"))
    assert product.size == (300, 200)
    assert product.getchannel("A").getextrema() == (255, 255)
