"""What rules judge: numbers and words read from a rendition's bytes and its picture's record."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, get_args

from flux_assets.pictures.inspect import picture_errors
from flux_assets.pictures.structure import Kind, read_structure
from flux_assets.publishing.mark import read_mark

if TYPE_CHECKING:  # Pillow is loaded only where a picture is really opened
    from PIL.Image import Image

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

_FORMATS: Mapping[Kind, str] = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif"}
_BORDER = 0.01
_FRAME_PX = 400  # of the copy on which a product's place is looked for, at least
_ONE_COLOUR_LEVELS = 12
_DIFFERENT_LEVELS = 24
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMeasures:
    """What the bytes of a rendition say of themselves; `frame_share` is None where unknown."""

    width_px: Annotated[int, "Its width, in pixels."]
    height_px: Annotated[int, "Its height, in pixels."]
    size_bytes: Annotated[int, "How many bytes it has."]
    format: Annotated[str, "What its bytes are: `jpg`, `png`, `webp` or `avif`."]
    mark: Annotated[str, "What its mark says, as `trainedAlgorithmicMedia`; '' without one."]
    border_white: Annotated[
        float,
        "The share of the picture's outermost hundredth that is 255, 255, 255; of a padded one, "
        "what is around it does not count.",
    ]
    frame_share: Annotated[
        float | None,
        "How much of its width or height, whichever is more, what it shows takes; unknown where "
        "its border is not of one colour.",
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures(FileMeasures):
    """Everything that a rule of the channels file may ask of a rendition.

    The annotation of each field says what it means, for docs/publishing.md.
    """

    megapixels: Annotated[float, "Its width times its height, in millions."]
    ratio: Annotated[float, "Its width divided by its height."]
    extension: Annotated[str, "How its address ends."]
    upscaled: Annotated[bool, "Whether it has more pixels than the picture it was made of."]
    appearance: Annotated[
        str, "What is wrong with how it looks: `black`, `one colour` or `blurred`; else ''."
    ]
    made_from: Annotated[str, "`words`, or `photo` where the product's own photo was edited."]
    repeated: Annotated[bool, "Whether another product has the same picture."]
    c2pa: Annotated[bool, "Whether the stored picture carries the maker's C2PA manifest."]
    c2pa_state: Annotated[
        str | None,
        "`Trusted`, `Valid` (whole, but nobody vouches for who signed it) or `Invalid` (changed "
        "since); '' without a manifest, unknown without the extra `c2pa`.",
    ]
    c2pa_issuer: Annotated[str | None, "Who signed the manifest, as their certificate says."]
    c2pa_actions: Annotated[str | None, "What they say was done, as `created, edited`."]


MEANINGS: Mapping[str, str] = {item.name: get_args(item.type)[1] for item in fields(Measures)}
"""Each measure's name, with what it means."""

TEXTS = frozenset(
    item.name for item in fields(Measures) if get_args(item.type)[0] in {str, str | None}
)
"""Those that are words, which no rule can calculate with."""

OF_MANIFEST = ("c2pa_state", "c2pa_issuer", "c2pa_actions")
"""Those that the C2PA library reads."""


def name_format(data: bytes) -> str:
    """What bytes are, by how they begin, as `jpg`; empty where they are no picture."""
    structure = read_structure(data)
    return _FORMATS.get(structure.kind, structure.kind.lower()) if structure else ""


def measure(data: bytes, placed: Box) -> FileMeasures:
    """Measure a finished file.

    Args:
        data: its bytes.
        placed: where on it the picture is, without what it is padded with.

    Raises:
        PictureError: it is no JPEG, PNG, WebP or AVIF that can be decoded.
    """
    from PIL import Image

    with picture_errors(data), Image.open(io.BytesIO(data)) as opened:
        opened.load()
        image = opened if opened.mode == "RGB" else opened.convert("RGB")
    return FileMeasures(
        width_px=image.width,
        height_px=image.height,
        size_bytes=len(data),
        format=name_format(data),
        mark=read_mark(data),
        border_white=_measure_white(image.crop(placed)),
        frame_share=_measure_frame(image),
    )


def _measure_white(image: "Image") -> float:
    """The share of the pixels of the border that are white."""
    import numpy as np

    white = count = 0
    for strip in _border(image):
        pixels = np.asarray(strip)
        white += int((pixels == 255).all(axis=2).sum())
        count += strip.width * strip.height
    return round(white / count, _DIGITS)


def _border(image: "Image") -> "list[Image]":
    """The outermost hundredth, as four strips, of which none has a pixel of another."""
    thick = max(1, round(_BORDER * min(image.size)))
    width, height = image.size
    if min(width, height) <= 2 * thick:
        return [image]
    boxes = (
        (0, 0, width, thick),
        (0, height - thick, width, height),
        (0, thick, thick, height - thick),
        (width - thick, thick, width, height - thick),
    )
    return [image.crop(box) for box in boxes]


def _measure_frame(image: "Image") -> float | None:
    """The longer share of a small copy that is not of its border's colour."""
    from PIL import Image, ImageChops

    small = image.reduce(max(1, max(image.size) // _FRAME_PX))
    strips = [strip.getextrema() for strip in _border(small)]
    middle = []
    for band in range(3):
        lows, highs = zip(*(levels[band] for levels in strips), strict=True)
        if max(highs) - min(lows) > _ONE_COLOUR_LEVELS:
            return None
        middle.append((max(highs) + min(lows)) // 2)
    ground = Image.new("RGB", small.size, tuple(middle))
    bands = ImageChops.difference(small, ground).split()
    most = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    box = most.point(lambda level: 255 if level > _DIFFERENT_LEVELS else 0).getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    return round(max((right - left) / small.width, (bottom - top) / small.height), _DIGITS)
