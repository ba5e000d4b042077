"""Whether a picture shows anything: what moderation delivers instead is paid, too.

Measured on pictures of the simulator and on photos: where the longer side has 256 pixels, the
steepest edge of a sharp picture takes at least six tenths of its contrast from one pixel to the
next, and a fifth at most after a blur of 8 pixels in 1,000. A speck of a hundredth of the side in
any colour on white is not one colour, nor is something near-white (#f4f4f2) of a fiftieth.
"""

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # Pillow is loaded only where a picture is really opened
    from PIL.Image import Image

Appearance = Literal["", "black", "one colour", "blurred"]
"""What is wrong with how a picture looks; nothing, for most."""

LOOKED_AT_PX = 256
"""The longest side of what is looked at."""

_COLOUR_PX = 64  # averages noise away
_ONE_COLOUR_LEVELS = 5
_BLACK_LEVEL = 20
_STEEPEST_IF_BLURRED = 0.2
_LEAST_CONTRAST = 24  # of less, one level more or less is too much
_NO_PRODUCT_S_COLOUR = (255, 0, 255)


def shrink(image: "Image") -> "Image":
    """A loaded picture as RGB of at most LOOKED_AT_PX, and another one; that may be small, too.

    What is transparent shows a colour that hardly any product has, so that a black one on nothing
    is not taken for black.
    """
    from PIL import Image

    if image.mode.startswith("I"):  # of 16 bits, which Pillow would cut off at 255
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    is_plain = image.mode == "RGBA" or not image.has_transparency_data
    small = image if is_plain else image.convert("RGBA")
    if small.mode not in {"RGB", "RGBA", "L", "CMYK"}:
        small = small.convert("RGB")
    # Averaging whole squares of pixels first costs a tenth of filtering the full picture.
    small.thumbnail((LOOKED_AT_PX, LOOKED_AT_PX), reducing_gap=1)
    if small.mode == "RGBA":
        ground = Image.new("RGBA", small.size, (*_NO_PRODUCT_S_COLOUR, 255))
        small = Image.alpha_composite(ground, small)
    return small.convert("RGB")


def judge_appearance(small: "Image") -> Appearance:
    """What is wrong with a picture, as `shrink` gives it."""
    tiny = small.copy()
    tiny.thumbnail((_COLOUR_PX, _COLOUR_PX), reducing_gap=1)
    bands = [_find_levels(band) for band in tiny.split()]
    if all(high <= _BLACK_LEVEL for _, high in bands):
        return "black"
    if all(high - low <= _ONE_COLOUR_LEVELS for low, high in bands):
        return "one colour"
    return "blurred" if _is_blurred(small.convert("L")) else ""


def digest_pixels(small: "Image") -> str:
    """32 digits, the same for pictures of the same pixels, however those are written to a file."""
    tiny = small.resize((_COLOUR_PX, _COLOUR_PX))
    sides = f"{small.width}x{small.height} ".encode()
    return hashlib.sha256(sides + tiny.tobytes()).hexdigest()[:32]


def _is_blurred(grey: "Image") -> bool:
    from PIL import ImageChops

    low, high = _find_levels(grey)
    width, height = grey.size
    if high - low < _LEAST_CONTRAST or min(width, height) < 2:
        return False
    whole = (0, 0, width - 1, height - 1)
    steps = (
        ImageChops.difference(grey.crop(whole), grey.crop((1, 0, width, height - 1))),
        ImageChops.difference(grey.crop(whole), grey.crop((0, 1, width - 1, height))),
    )
    steepest = max(_find_levels(step)[1] for step in steps)
    return steepest < _STEEPEST_IF_BLURRED * (high - low)


def _find_levels(band: "Image") -> tuple[int, int]:
    """The lowest and the highest level of a picture of one band of 8 bits."""
    low, high = band.getextrema()
    return int(low), int(high)  # type: ignore[arg-type]  # of one band, they are two numbers
