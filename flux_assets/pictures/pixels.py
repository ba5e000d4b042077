"""The steps that turn whatever a file holds to plain pixels: upright, sRGB, on one colour.

Photos for the editor and renditions for the public are both made by them. A prepared photo is part
of what is paid: what changes its bytes here makes other pictures of the same request.
"""

import io
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Pillow is loaded only where a picture is really opened
    from PIL.Image import Image

_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What makes a picture of each EXIF orientation upright, by Pillow's names."""


def read_turn(image: "Image") -> str:
    """What makes a picture upright, by EXIF, to be given to `turn`; empty for most."""
    return _TURNS.get(_read_orientation(image), "")


def turn(image: "Image", by: str) -> "Image":
    """The picture as `read_turn` says that it is upright."""
    from PIL import Image

    return image.transpose(Image.Transpose[by]) if by else image


def _read_orientation(image: "Image") -> int:
    """EXIF's; a camera's damaged notes do not spoil its photo."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return 1


def with_full_colours(image: "Image") -> "Image":
    """RGB, RGBA, or CMYK, which its profile says most of."""
    grey: Image = image
    if image.mode.startswith("I"):  # of 16 bits, which Pillow would cut off at 255
        grey = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if grey.has_transparency_data:
        return grey.convert("RGBA")
    return grey if grey.mode in {"CMYK", "RGB"} else grey.convert("RGB")


def to_srgb(image: "Image", profile: bytes) -> "Image":
    """What the profile says; without a good one, what the numbers say."""
    from PIL import ImageCms

    colours = image if image.mode in {"CMYK", "RGB"} else image.convert("RGB")
    result: Image | None = None
    if profile:
        # a damaged profile, or one of other colours than the picture's, says nothing
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            result = ImageCms.profileToProfile(colours, source, srgb, outputMode="RGB")
    if result is None:
        result = colours if colours.mode == "RGB" else colours.convert("RGB")
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return result


def lay_on(upper: "Image", background: str) -> "Image":
    """An RGBA picture laid on a colour, `#rrggbb`."""
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", upper.size, background), upper)
