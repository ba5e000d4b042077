"""Opens the photo that an editor call sends, and frees its product from the background."""

import io
from functools import reduce

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps, ImageStat

from flux_assets.image_api.simulator.scenes import Color

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_MAX_PIXELS = 64_000_000
_OPAQUE = 250
_TOLERANCE = 28
_MIN_BORDER_SHARE = 0.7
_BORDER_PX = 64
_FLOOD_PX = 128
_SOFT_STEP = 12
_EDGE_SHARE = 40
_DEEPEST_SHADOW = 110


class PhotoError(Exception):
    """The bytes are no picture that can be decoded whole."""


def open_photo(data: bytes, longest_px: int) -> Image.Image:
    """The upright photo as RGBA, made smaller where a side is longer than `longest_px`.

    Raises:
        PhotoError: the bytes are damaged, cut short, too large, or no picture.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as photo:
            if photo.width * photo.height > _MAX_PIXELS:
                raise PhotoError(f"{photo.width} x {photo.height} pixels are too many")
            if photo.mode in {"P", "PA", "LA", "1"}:
                # Palettes and masks have no shades to make smaller with.
                return _reduced(photo.convert("RGBA"), longest_px)
            return _reduced(photo, longest_px)
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Warning,  # where warnings are errors: Pillow warns of large pictures and of broken EXIF
    ) as error:
        raise PhotoError(str(error)) from error


def _reduced(photo: Image.Image, longest_px: int) -> Image.Image:
    photo.thumbnail((longest_px, longest_px))
    photo.load()  # small pictures were only opened so far
    return ImageOps.exif_transpose(photo).convert("RGBA")


def cut_out(photo: Image.Image) -> Image.Image:
    """The product alone, cropped to its outline; the whole photo where none can be told.

    The background is what the photo leaves transparent, or else the area of one colour, within a
    tolerance, that reaches in from the borders.
    """
    mask = photo.getchannel("A")
    if _lowest(mask) >= _OPAQUE:
        mask = _find_product(photo.convert("RGB"))
    box = mask.point(lambda v: 255 * (v > 32)).getbbox()
    whole = photo.copy()
    if box is None:
        whole.putalpha(255)
        return whole
    whole.putalpha(mask)
    return whole.crop(box)


def _find_product(photo: Image.Image) -> Image.Image:
    """The mask of all but a uniform background; empty where the background is not uniform."""
    border = _border(photo)
    red, green, blue = ImageStat.Stat(border).median
    background = (round(red), round(green), round(blue))
    near = _distance(border, Image.new("RGB", border.size, background)).histogram()
    if sum(near[: _TOLERANCE + 1]) < _MIN_BORDER_SHARE * border.width:
        return Image.new("L", photo.size)
    reached = _flooded(photo, background)
    # Compared with the background right beside it, so that a shadow is no part of the product.
    distance = _distance(photo, _spread(photo, reached))
    edges = distance.point([min(255, max(0, 6 * (v - _TOLERANCE))) for v in range(256)])
    # A product's own parts in the background's colour are kept: the flood does not reach them.
    outside = reached.filter(ImageFilter.MaxFilter(3)).resize(photo.size)
    return ImageChops.lighter(edges, ImageChops.invert(outside))


def _border(photo: Image.Image) -> Image.Image:
    """The outermost parts of the photo, as one line of pixels."""
    small = photo.resize((_BORDER_PX, _BORDER_PX), Image.Resampling.BOX)
    last = _BORDER_PX - 1
    line = Image.new("RGB", (4 * _BORDER_PX, 1))
    for number, row in enumerate((0, last)):
        line.paste(small.crop((0, row, _BORDER_PX, row + 1)), (number * _BORDER_PX, 0))
        column = small.crop((row, 0, row + 1, _BORDER_PX)).transpose(Image.Transpose.ROTATE_90)
        line.paste(column, ((number + 2) * _BORDER_PX, 0))
    return line


def _flooded(photo: Image.Image, background: Color) -> Image.Image:
    """Where the background reaches in from the borders; found small, since Python is slow."""
    small = photo.copy()
    small.thumbnail((_FLOOD_PX, _FLOOD_PX), Image.Resampling.BOX)
    plain = Image.new("RGB", small.size, background)
    near = _distance(small, plain).point(lambda v: 255 * (v <= _TOLERANCE))
    open_to_flood = ImageChops.lighter(near, _find_shadow(photo, small, plain))
    ringed = ImageOps.expand(open_to_flood, border=1, fill=255)
    ImageDraw.floodfill(ringed, (0, 0), 128)
    width, height = ringed.size
    return ringed.crop((1, 1, width - 1, height - 1)).point(lambda v: 255 * (v == 128))


def _find_shadow(photo: Image.Image, small: Image.Image, plain: Image.Image) -> Image.Image:
    """Where `small` is a darker background without an edge: shadows are soft, products are not."""
    gray = photo.convert("L").reduce(2)
    steps = ImageChops.subtract(
        gray.filter(ImageFilter.MaxFilter(3)), gray.filter(ImageFilter.MinFilter(3))
    )
    edges = steps.point(lambda v: 255 * (v > _SOFT_STEP)).resize(small.size, Image.Resampling.BOX)
    depth = ImageChops.subtract(plain, small)
    deepest = _highest(depth)
    tint = ImageChops.subtract(deepest, ImageChops.invert(_highest(ImageChops.invert(depth))))
    barriers = (
        edges.point(lambda v: 255 * (v > _EDGE_SHARE)),
        deepest.point(lambda v: 255 * (v > _DEEPEST_SHADOW)),
        tint.point(lambda v: 255 * (v > _TOLERANCE // 2)),
        _highest(ImageChops.subtract(small, plain)).point(lambda v: 255 * (v > _TOLERANCE)),
    )
    return ImageChops.invert(reduce(ImageChops.lighter, barriers))


def _spread(photo: Image.Image, reached: Image.Image) -> Image.Image:
    """The background's colours, spread softly from where it was reached to everywhere near."""
    small = photo.resize(reached.size, Image.Resampling.BOX)
    small.putalpha(reached)
    soft = small.convert("RGBa").filter(ImageFilter.BoxBlur(2)).convert("RGBA")
    return soft.convert("RGB").resize(photo.size, Image.Resampling.BILINEAR)


def _distance(image: Image.Image, other: Image.Image) -> Image.Image:
    """How far apart the most different channel is, for every pixel."""
    return _highest(ImageChops.difference(image, other))


def _highest(image: Image.Image) -> Image.Image:
    """Of every pixel the highest channel."""
    return reduce(ImageChops.lighter, image.split())


def _lowest(mask: Image.Image) -> int:
    return next(value for value, count in enumerate(mask.histogram()) if count)
