"""A photo as the image editor is given it: upright, in sRGB, of bounded size, without metadata."""

import hashlib
import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flux_assets.errors import PhotoUnusableError
from flux_assets.pictures.inspect import MAX_PIXELS, describe_bytes, name_file_kind
from flux_assets.pictures.structure import read_structure

if TYPE_CHECKING:  # Pillow is loaded only where a photo is really opened
    from PIL.Image import Image

PhotoExtension = Literal["jpg", "png"]

MAX_SIDE_PX = 2048
_JPEG_QUALITY = 92
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
_CONTENT_TYPES: dict[PhotoExtension, str] = {"jpg": "image/jpeg", "png": "image/png"}

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


class NoPhotoError(PhotoUnusableError):
    """What was read is no photo that opens.

    `sha256` is of its bytes; `is_reply` says that they are no file that somebody made.
    """

    def __init__(self, uri: str, problem: str, *, sha256: str, is_reply: bool) -> None:
        super().__init__(uri, problem)
        self.sha256 = sha256
        self.is_reply = is_reply


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPhoto:
    """A photo that is known to open: PNG where something shows through it, else JPEG."""

    data: bytes
    extension: PhotoExtension
    width_px: int
    height_px: int

    @property
    def content_type(self) -> str:
        """Its media type."""
        return _CONTENT_TYPES[self.extension]


def prepare_photo(data: bytes, *, uri: str) -> PreparedPhoto:
    """Decode the whole photo, its first frame only, and make it what the editor is given.

    Args:
        data: as read: PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF, of any colours.
        uri: its address, for the error.

    Raises:
        NoPhotoError: it is no picture, a damaged one, or holds more than MAX_PIXELS.
    """
    try:
        return _prepare(data, uri)
    except NoPhotoError:
        structure = read_structure(data)
        if structure is None or not structure.is_whole or structure.essence == data:
            raise
        with suppress(NoPhotoError):  # what the decoder stumbled over is out
            return _prepare(structure.essence, uri)
        raise


def _prepare(data: bytes, uri: str) -> PreparedPhoto:
    from PIL import Image, UnidentifiedImageError

    is_reply = False
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height <= MAX_PIXELS:
                return _encode(_normalise(image))
            problem = (
                f"has {image.width} x {image.height} pixels, more than the {MAX_PIXELS:,} that "
                "are read at most; give a smaller photo"
            )
    except UnidentifiedImageError:
        found, is_reply = describe_bytes(data), not name_file_kind(data)
        problem = f"is no photo, but {found}; give the address of the photo itself"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        problem = f"has more than the {MAX_PIXELS:,} pixels that are read at most; give a smaller"
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error) as error:
        problem = f"is a damaged photo ({error}); save it anew"
    raise NoPhotoError(uri, problem, sha256=hashlib.sha256(data).hexdigest(), is_reply=is_reply)


def read_prepared(data: bytes, extension: PhotoExtension) -> PreparedPhoto:
    """A prepared photo of its stored bytes.

    Raises:
        OSError: they are none.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        width_px, height_px = image.size
    return PreparedPhoto(data=data, extension=extension, width_px=width_px, height_px=height_px)


def flatten(data: bytes, background: str) -> bytes:
    """Lay a prepared photo on a colour, as JPEG; one that nothing shows through stays as it is.

    Args:
        data: a prepared photo's.
        background: `#rrggbb`.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        if image.format == "JPEG":
            return data
        upper = image.convert("RGBA")
    return _encode(Image.alpha_composite(Image.new("RGBA", upper.size, background), upper)).data


def _normalise(image: "Image") -> "Image":
    """RGB or RGBA; made smaller first, as that makes all the rest cheap."""
    from PIL import Image

    scale = min(1.0, MAX_SIDE_PX / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image.draft(None, size)  # a JPEG is decoded no larger than is needed
    image.load()
    profile = image.info.get("icc_profile", b"")
    turn = _TURNS.get(_read_orientation(image))
    normal = _with_full_colours(image)
    if normal.size != size:
        normal = normal.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    normal = _to_srgb(normal, profile)
    return normal.transpose(Image.Transpose[turn]) if turn else normal


def _read_orientation(image: "Image") -> int:
    """EXIF's; a camera's damaged notes do not spoil its photo."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return 1


def _with_full_colours(image: "Image") -> "Image":
    """RGB, RGBA, or CMYK, which its profile says most of."""
    grey: Image = image
    if image.mode.startswith("I"):  # of 16 bits, which Pillow would cut off at 255
        grey = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if grey.has_transparency_data:
        return grey.convert("RGBA")
    return grey if grey.mode == "CMYK" else grey.convert("RGB")


def _to_srgb(image: "Image", profile: bytes) -> "Image":
    """What the profile says; without a good one, what the numbers say."""
    from PIL import ImageCms

    colours = image if image.mode == "CMYK" else image.convert("RGB")
    result: Image | None = None
    if profile:
        # a damaged profile, or one of other colours than the picture's, says nothing
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            result = ImageCms.profileToProfile(colours, source, srgb, outputMode="RGB")
    if result is None:
        result = colours.convert("RGB")
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return result


def _encode(image: "Image") -> PreparedPhoto:
    """PNG where something shows through, else JPEG; nothing but the pixels."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    image.info = {}
    buffer = io.BytesIO()
    is_png = image.mode == "RGBA"
    if is_png:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return PreparedPhoto(
        data=buffer.getvalue(),
        extension="png" if is_png else "jpg",
        width_px=image.width,
        height_px=image.height,
    )
