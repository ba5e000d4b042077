"""What rules judge: numbers and words read from a rendition's bytes and its picture's record."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, get_args


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Everything that a rule of channels.yaml may ask of a rendition; None is unknown.

    The annotation of each field says what it means, for docs/publishing.md.
    """

    width_px: Annotated[int, "Its width, in pixels."]
    height_px: Annotated[int, "Its height, in pixels."]
    megapixels: Annotated[float, "Its width times its height, in millions."]
    ratio: Annotated[float, "Its width divided by its height."]
    size_bytes: Annotated[int, "How many bytes it has."]
    format: Annotated[str, "What its bytes are: `jpg`, `png`, `webp` or `avif`."]
    extension: Annotated[str, "How its address ends."]
    mark: Annotated[str, "What its mark says, as `trainedAlgorithmicMedia`; '' without one."]
    upscaled: Annotated[bool, "Whether it has more pixels than the picture it was made of."]
    border_white: Annotated[float, "The share of its outermost hundredth that is 255, 255, 255."]
    frame_share: Annotated[
        float | None,
        "How much of its longer side what it shows takes; unknown where its border is not of one "
        "colour.",
    ]
    appearance: Annotated[
        str, "What is wrong with how it looks: `black`, `one colour` or `blurred`; else ''."
    ]
    made_from: Annotated[str, "`words`, or `photo` where the product's own photo was edited."]
    repeated: Annotated[bool, "Whether another product has the same picture."]
    c2pa: Annotated[bool, "Whether the stored picture carries the maker's C2PA manifest."]


MEANINGS: Mapping[str, str] = {item.name: get_args(item.type)[1] for item in fields(Measures)}
"""Each measure's name, with what it means."""

TEXTS = frozenset(item.name for item in fields(Measures) if get_args(item.type)[0] is str)
"""Those that are words, which no rule can calculate with."""
