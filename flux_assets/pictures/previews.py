"""A source photo and the picture made of it, small and side by side."""

import io
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from flux_assets.errors import PictureError
from flux_assets.pictures.inspect import MAX_PIXELS, encode_preview, picture_errors
from flux_assets.pictures.memory_budget import ENDLESS, MemoryBudget
from flux_assets.pictures.pixels import read_turn
from flux_assets.pictures.structure import read_structure

if TYPE_CHECKING:  # Pillow is loaded only where a picture is really opened
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
_GAP_PX = 4
_WHITE = (255, 255, 255)


def build_pair_preview(
    source: bytes, picture: bytes, *, longest_px: int, budget: MemoryBudget = ENDLESS
) -> bytes:
    """One small JPEG: the source photo at the left, the picture at the right, equally high.

    Args:
        source: the source photo's bytes; where they do not open, the picture is shown alone.
        picture: the bytes of a picture that opens.
        longest_px: the longest side of the whole.
        budget: what both wait for their turn in.

    Raises:
        PictureError: the picture does not open.
    """
    right = open_scaled(picture, longest_px=longest_px, budget=budget)
    try:
        left = open_scaled(source, longest_px=longest_px, budget=budget)
    except PictureError:
        return encode_preview(right)
    return encode_preview(_put_side_by_side(left, right, longest_px))


def open_scaled(data: bytes, *, longest_px: int, budget: MemoryBudget = ENDLESS) -> "Image":
    """The picture as people see it, RGB, at most so large: upright, and on white where see-through.

    Raises:
        PictureError: it is no PNG, JPEG, WebP or AVIF that opens, or holds more than MAX_PIXELS.
    """
    try:
        return _open_scaled(data, longest_px, budget)
    except PictureError:
        structure = read_structure(data)
        if structure is None or structure.essence == data:
            raise
        # what the decoder stumbled over is out
        return _open_scaled(structure.essence, longest_px, budget)


def _open_scaled(data: bytes, longest_px: int, budget: MemoryBudget) -> "Image":
    from PIL import Image

    with picture_errors(data), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise PictureError(f"more than {MAX_PIXELS} pixels")
        # A JPEG is decoded at a fraction of its size, which costs a fraction of the time.
        image.draft("RGB", (longest_px, longest_px))
        with (
            budget.hold(image.width * image.height),
            closing(image),
        ):  # also where an error names it
            return _show(image, longest_px, data)


def _show(image: "Image", longest_px: int, data: bytes) -> "Image":
    """A picture of its own; of the large one no copy is made that is not needed."""
    from PIL import Image, ImageOps

    image.load()
    upright = image
    if read_turn(image):
        with suppress(PictureError), picture_errors(data):  # damaged notes do not spoil a picture
            upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        seen = upright if upright.mode == "RGBA" else upright.convert("RGBA")
        upright = Image.new("RGB", seen.size, _WHITE)
        upright.paste(seen, mask=seen)
    small = upright if upright.mode == "RGB" else upright.convert("RGB")
    small.thumbnail((longest_px, longest_px), reducing_gap=1)
    return small.convert("RGB")


def _put_side_by_side(left: "Image", right: "Image", longest_px: int) -> "Image":
    from PIL import Image

    ratios = [image.width / image.height for image in (left, right)]
    height = max(1, min(longest_px, int((longest_px - _GAP_PX) / sum(ratios))))
    widths = [max(1, int(height * ratio)) for ratio in ratios]
    pair = Image.new("RGB", (sum(widths) + _GAP_PX, height), _WHITE)
    pair.paste(left.resize((widths[0], height)), (0, 0))
    pair.paste(right.resize((widths[1], height)), (widths[0] + _GAP_PX, 0))
    pair.thumbnail((longest_px, longest_px))  # one line of pixels cannot be made any lower
    return pair
