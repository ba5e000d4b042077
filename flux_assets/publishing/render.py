"""A master's bytes and recipes -> the finished files: decoded once, upright, sRGB, marked.

Of JPEG neither `optimize` nor `progressive` is used: they save a few percent of the bytes, and
hold Python's lock for the whole call, so that threads would wait for each other.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.errors import PictureError
from flux_assets.pictures.appearance import Appearance, judge_appearance, shrink
from flux_assets.pictures.inspect import MAX_PIXELS, picture_errors
from flux_assets.pictures.pixels import lay_on, read_turn, to_srgb, turn, with_full_colours
from flux_assets.pictures.structure import read_structure
from flux_assets.publishing.channels_schema import RenditionFormat
from flux_assets.publishing.mark import build_packet, read_mark
from flux_assets.publishing.profile import Recipe
from flux_assets.publishing.provenance import Provenance, read_provenance

if TYPE_CHECKING:  # Pillow is loaded only where a picture is really opened
    from PIL.Image import Image

_KINDS = ("PNG", "JPEG", "WEBP", "AVIF")
CONTENT_TYPES: dict[RenditionFormat, str] = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMaster:
    """A stored picture as plain pixels, upright and in sRGB; what is transparent still is.

    `appearance` says what is wrong with how it looks, `provenance` what its maker's manifest says.
    """

    image: "Image"
    appearance: Appearance
    provenance: Provenance


def open_master(data: bytes) -> OpenedMaster:
    """Decode a stored picture; its bytes stay as they are.

    Raises:
        PictureError: it cannot be decoded.
    """
    try:
        image = _decode(data)
    except PictureError:
        structure = read_structure(data)
        if structure is None or not structure.is_whole or structure.essence == data:
            raise
        image = _decode(structure.essence)  # what the decoder stumbled over is out
    return OpenedMaster(
        image=image,
        appearance=judge_appearance(shrink(image.copy())),
        provenance=read_provenance(data),
    )


def _decode(data: bytes) -> "Image":
    from PIL import Image

    with picture_errors(data), Image.open(io.BytesIO(data), formats=_KINDS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise PictureError(f"{opened.width} x {opened.height} pixels are more than are read")
        opened.load()
        normal = to_srgb(with_full_colours(opened), opened.info.get("icc_profile", b""))
        image = turn(normal, read_turn(opened))
    image.info = {}
    return image


def render(master: OpenedMaster, recipes: Iterable[Recipe], mark: str) -> Iterator[bytes]:
    """The finished file of each recipe, in their order, marked with this code of the IPTC.

    Raises:
        PictureError: a file cannot be made, or came out without its mark.
    """
    packet = build_packet(mark)
    last: tuple[object, Image] | None = None
    for recipe in recipes:
        pixels = (recipe.crop, recipe.size, recipe.canvas, recipe.background)
        try:
            if last is None or last[0] != pixels:
                last = pixels, _place(master.image, recipe)
            data = _encode(last[1], recipe, packet)
        except (OSError, ValueError, MemoryError) as error:
            made = f"{recipe.format} of {recipe.canvas[0]} x {recipe.canvas[1]} pixels"
            raise PictureError(f"no {made} can be made of it: {error or 'no memory'}") from error
        if read_mark(data) != mark:
            raise PictureError(f"the {recipe.format} came out without its mark {mark}")
        yield data


def _place(image: "Image", recipe: Recipe) -> "Image":
    """The pixels of a rendition: cut, made smaller, flat, on its canvas."""
    from PIL import Image

    whole = (0, 0, *image.size)
    placed: Image.Image = image
    if recipe.crop != whole or recipe.size != image.size:
        placed = image.resize(
            recipe.size, Image.Resampling.LANCZOS, box=recipe.crop, reducing_gap=3.0
        )
    if placed.mode == "RGBA":
        placed = lay_on(placed, recipe.background).convert("RGB")
    if recipe.canvas == recipe.size:
        return placed
    canvas = Image.new("RGB", recipe.canvas, recipe.background)
    canvas.paste(placed, recipe.place)
    return canvas


def _encode(image: "Image", recipe: Recipe, packet: bytes) -> bytes:
    """Nothing but the pixels and the packet: no EXIF, no profile, no text."""
    from PIL.PngImagePlugin import PngInfo

    buffer = io.BytesIO()
    match recipe.format:
        case "jpg":
            image.save(
                buffer, "JPEG", quality=recipe.quality, subsampling=recipe.chroma, xmp=packet
            )
        case "webp":
            image.save(buffer, "WEBP", quality=recipe.quality, method=2, xmp=packet)
        case "avif":
            image.save(buffer, "AVIF", quality=recipe.quality, max_threads=1, xmp=packet)
        case "png":  # which has no place for `xmp=`, and says nothing of it
            chunks = PngInfo()
            chunks.add_itxt("XML:com.adobe.xmp", packet.decode())
            image.save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()
