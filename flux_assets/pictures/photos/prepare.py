"""A photo as the image editor is given it: upright, in sRGB, of bounded size, without metadata."""

import hashlib
import io
import struct
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flux_assets.errors import PhotoUnusableError
from flux_assets.pictures.inspect import MAX_PIXELS, describe_bytes, name_file_kind
from flux_assets.pictures.memory_budget import ENDLESS, MemoryBudget
from flux_assets.pictures.pixels import lay_on, read_turn, to_srgb, turn, with_full_colours
from flux_assets.pictures.structure import read_structure

if TYPE_CHECKING:  # Pillow is loaded only where a photo is really opened
    from PIL.Image import Image

PhotoExtension = Literal["jpg", "png"]

MAX_SIDE_PX = 2048
_JPEG_QUALITY = 92
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
_CONTENT_TYPES: dict[PhotoExtension, str] = {"jpg": "image/jpeg", "png": "image/png"}


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


def prepare_photo(data: bytes, *, uri: str, budget: MemoryBudget = ENDLESS) -> PreparedPhoto:
    """Decode the whole photo, its first frame only, and make it what the editor is given.

    Args:
        data: as read: PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF, of any colours.
        uri: its address, for the error.
        budget: what it waits for its turn in.

    Raises:
        NoPhotoError: it is no picture, a damaged one, or holds more than MAX_PIXELS.
    """
    try:
        return _prepare(data, uri, budget)
    except NoPhotoError:
        structure = read_structure(data)
        if structure is None or not structure.is_whole or structure.essence == data:
            raise
        with suppress(NoPhotoError):  # what the decoder stumbled over is out
            return _prepare(structure.essence, uri, budget)
        raise


def _prepare(data: bytes, uri: str, budget: MemoryBudget) -> PreparedPhoto:
    from PIL import Image, UnidentifiedImageError

    is_reply = False
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height <= MAX_PIXELS:
                size = _bounded(image.size)
                image.draft(None, size)  # a JPEG is decoded no larger than is needed
                with (
                    budget.hold(image.width * image.height),
                    closing(image),
                ):  # also where an error names it
                    return _encode(_normalise(image, size))
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


def flatten(data: bytes, background: str, *, budget: MemoryBudget = ENDLESS) -> bytes:
    """Lay a prepared photo on a colour, as JPEG; one that nothing shows through stays as it is.

    Args:
        data: a prepared photo's.
        background: `#rrggbb`.
        budget: what it waits for its turn in.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        if image.format == "JPEG":
            return data
        with budget.hold(image.width * image.height), closing(image):
            return _encode(lay_on(image.convert("RGBA"), background)).data


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, MAX_SIDE_PX / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _normalise(image: "Image", size: tuple[int, int]) -> "Image":
    """RGB or RGBA; made smaller first, as that makes all the rest cheap."""
    from PIL import Image

    image.load()
    profile = image.info.get("icc_profile", b"")
    turned_by = read_turn(image)
    normal = with_full_colours(image)
    if normal.size != size:
        normal = normal.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return turn(to_srgb(normal, profile), turned_by)


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
