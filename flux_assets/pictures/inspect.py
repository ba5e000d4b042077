"""What the bytes of a picture really are, and a small preview of it."""

import base64
import hashlib
import io
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.errors import PictureError
from flux_assets.image_api.parameters import MATCH_INPUT_IMAGE, ParameterValue
from flux_assets.pictures.appearance import Appearance, digest_pixels, judge_appearance, shrink
from flux_assets.pictures.memory_budget import ENDLESS, MemoryBudget
from flux_assets.pictures.structure import Structure, read_structure

if TYPE_CHECKING:  # Pillow is loaded only where a picture is really opened
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""Google Merchant takes no more; the API makes about one million."""

MAX_PREVIEW_BYTES = 12_000
"""Every preview is kept in Dagster's database."""

_MAX_RATIO_ERROR = 0.04
"""Sides are multiples of 16 or 32, so that ratios up to 2.9 % off are what the API means."""

_TYPES = {
    "PNG": ("png", "image/png"),
    "JPEG": ("jpg", "image/jpeg"),
    "WEBP": ("webp", "image/webp"),
    "AVIF": ("avif", "image/avif"),
}


class NoPictureError(PictureError):
    """The bytes are something else, such as a proxy's page: the picture may yet come."""


class UndecodedError(PictureError):
    """`data` is a whole picture by its structure, which cannot be decoded here."""

    def __init__(self, problem: str, data: bytes) -> None:
        super().__init__(problem)
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded picture's facts; `preview` is a small JPEG, empty where none was asked for.

    `appearance` says what is wrong with how it looks, `pixels_digest` is as of `digest_pixels`.
    `recognition` is there where it was compared with the photo that it was made from.
    """

    extension: str
    content_type: str
    width_px: int
    height_px: int
    size_bytes: int
    sha256: str
    appearance: Appearance = ""
    pixels_digest: str = ""
    preview: bytes = b""
    recognition: float | None = None


def inspect_picture(data: bytes, *, preview_px: int = 0, budget: MemoryBudget = ENDLESS) -> Picture:
    """Decode the whole picture, so that what is stored is known to open.

    Args:
        data: the bytes as downloaded.
        preview_px: the longest side of the preview; 0 for none.
        budget: what it waits for its turn in.

    Raises:
        NoPictureError: the bytes are no picture.
        UndecodedError: they are one, but not PNG, JPEG, WebP or AVIF, of more than MAX_PIXELS,
            or of a form that the decoder does not know.
        PictureError: they are one that is damaged or cut short.
    """
    structure = read_structure(data)
    if structure is None or not (structure.is_whole or structure.kind in _TYPES):
        raise NoPictureError(f"no picture, but {describe_bytes(data)}")
    if not structure.is_whole:
        raise PictureError(f"the picture is damaged: the {structure.kind} is cut short or changed")
    if structure.kind not in _TYPES:
        raise UndecodedError(f"a whole {structure.kind}, a format that is not read here", data)
    try:
        small, width_px, height_px = _decode(structure, budget)
    except PictureError as error:
        told = f"a whole {structure.kind} by its structure, but not decoded here: {error}"
        raise UndecodedError(told, data) from error
    extension, content_type = _TYPES[structure.kind]
    return Picture(
        extension=extension,
        content_type=content_type,
        width_px=width_px,
        height_px=height_px,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        appearance=judge_appearance(small),
        pixels_digest=digest_pixels(small),
        preview=_build_preview(small, preview_px) if preview_px else b"",
    )


def _decode(structure: Structure, budget: MemoryBudget) -> "tuple[Image, int, int]":
    """A picture as of `shrink`, and its width and height.

    Raises:
        PictureError: it cannot be decoded, or is larger than MAX_PIXELS.
    """
    from PIL import Image

    data = structure.essence
    with picture_errors(data), Image.open(io.BytesIO(data), formats=(structure.kind,)) as image:
        width_px, height_px = image.size
        if width_px * height_px > MAX_PIXELS:
            raise PictureError(f"{width_px} x {height_px} pixels are more than {MAX_PIXELS}")
        with budget.hold(width_px * height_px), closing(image):  # also where an error names it
            image.load()
            return shrink(image), width_px, height_px


@contextmanager
def picture_errors(data: bytes) -> Iterator[None]:
    """Give what Pillow raises for these bytes, whatever it is, as an error of ours.

    Raises:
        NoPictureError: it does not know them.
        PictureError: it cannot go on with them; their EXIF alone may be what it stumbles over.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except UnidentifiedImageError:
        raise NoPictureError(f"no picture, but {describe_bytes(data)}") from None
    except (
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        LookupError,
        struct.error,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PictureError(f"the picture is damaged: {error}") from error


def find_mismatches(
    picture: Picture, prompt_object: Mapping[str, ParameterValue]
) -> tuple[str, ...]:
    """Say where a picture is not what was asked for; it is stored all the same: it was paid."""
    mismatches: list[str] = []
    wanted_format = prompt_object["output_format"]
    if picture.extension != wanted_format:
        mismatches.append(f"asked for {wanted_format}, received {picture.extension}")
    ratio = str(prompt_object["aspect_ratio"])
    if ratio == MATCH_INPUT_IMAGE:
        return tuple(mismatches)
    width, height = (int(side) for side in ratio.split(":"))
    wanted = width / height
    if abs(picture.width_px / picture.height_px - wanted) > _MAX_RATIO_ERROR * wanted:
        mismatches.append(
            f"asked for {ratio}, received {picture.width_px} x {picture.height_px} pixels"
        )
    return tuple(mismatches)


def preview_markdown(preview: bytes, alt: str) -> str:
    """The preview as a Markdown image with a data URI, as the Dagster UI draws it."""
    plain_alt = "".join(character for character in alt if character not in "[]()!\\\n\r")
    encoded = base64.b64encode(preview).decode("ascii")
    return f"![{plain_alt}](data:image/jpeg;base64,{encoded})"


def _build_preview(image: "Image", longest_px: int) -> bytes:
    """The picture, as `shrink` gives it, as a small JPEG."""
    image.thumbnail((longest_px, longest_px), reducing_gap=1)
    return encode_preview(image)


def encode_preview(small: "Image") -> bytes:
    """A small picture as the best JPEG of at most MAX_PREVIEW_BYTES in base64, if there is one."""
    for quality in (75, 55, 35, 15):
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() * 4 <= MAX_PREVIEW_BYTES * 3:  # base64 makes 4 bytes of 3
            break
    return buffer.getvalue()


_PAGES = (b"<!doctype html", b"<html")
_HEIC = "a HEIC photo, as telephones make them, which is not read: save it as JPEG"
_AVIF = "a damaged AVIF photo, or one that the Pillow installed here cannot read: save it as JPEG"
_SVG = "an SVG drawing, which has no pixels: export it as PNG"
_SIGNATURES = (
    (b"%PDF", "a PDF: export the page as PNG"),
    (b"%!PS", "a PostScript drawing: export it as PNG"),
    (b"8BPS", "a Photoshop file: export it as PNG"),
    (b"PK\x03\x04", "a ZIP archive: unpack it"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\xff\x0a", "a JPEG XL photo, which is not read: save it as JPEG"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL photo, which is not read: save it as JPEG"),
)
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
}
"""Of files whose kind stands behind `ftyp` (ISO/IEC 14496-12); all others are videos."""


def describe_bytes(data: bytes) -> str:
    """What bytes are that are no picture, for people."""
    return name_file_kind(data) or _name_reply(data)


def name_file_kind(data: bytes) -> str:
    """Which other kind of file it is that somebody made, for people; empty for all else.

    All else is what servers give instead of a file: a page, a message, or nothing at all.
    """
    signed = [name for signature, name in _SIGNATURES if data.startswith(signature)]
    if data[4:8] == b"ftyp":
        signed.append(_BRANDS.get(data[8:12], "a video"))
    start = _start_of(data)
    if start.startswith((b"<?xml", b"<!doctype", b"<svg")) and b"<html" not in start:
        signed += [_SVG] if b"<svg" in start else []
    return signed[0] if signed else ""


def _name_reply(data: bytes) -> str:
    if not data:
        return "nothing at all"
    start = _start_of(data)
    if start.startswith(_PAGES):
        return "an HTML page"
    if start.startswith((b"<?xml", b"<!doctype", b"<error")):
        return "an XML document"
    return f"{len(data)} unknown bytes"


def _start_of(data: bytes) -> bytes:
    return data[:4096].lstrip().lower()
