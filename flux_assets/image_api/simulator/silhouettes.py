"""Outlines of things that shops sell, and the words of a product's name that ask for them.

An outline lives on a unit square, x to the right and y downwards, standing on y = 1. Only its
right half is listed where it is symmetric.
"""

import re
from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
Part = Literal["body", "accent", "hole", "slit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One filled area of body or accent; a `hole` cuts the body, a `slit` the accent on it.

    An ellipse is given by two corners of its box, a half by points right of the middle
    (x = 0.5) that are mirrored, an outline by all its points.
    """

    kind: Literal["ellipse", "half", "outline"]
    part: Part
    points: tuple[Point, ...]

    def polygon(self) -> list[Point]:
        """All corners of a `half` or an `outline`."""
        if self.kind == "outline":
            return list(self.points)
        return [*self.points, *((1 - x, y) for x, y in reversed(self.points))]


def _ellipse(part: Part, *points: Point) -> Shape:
    return Shape(kind="ellipse", part=part, points=points)


def _half(part: Part, *points: Point) -> Shape:
    return Shape(kind="half", part=part, points=points)


def _outline(part: Part, *points: Point) -> Shape:
    return Shape(kind="outline", part=part, points=points)


SILHOUETTES: dict[str, tuple[Shape, ...]] = {
    "top": (
        _half("body", (0.60, 0.12), (0.72, 0.17), (0.96, 0.42), (0.83, 0.53), (0.72, 0.42)),
        _half("body", (0.72, 0.17), (0.73, 0.97), (0.50, 0.99)),
        _half("body", (0.60, 0.12), (0.72, 0.17), (0.72, 0.50)),
        _ellipse("hole", (0.41, 0.02), (0.59, 0.20)),
        _half("accent", (0.73, 0.90), (0.73, 0.99)),
    ),
    "trousers": (
        _half("body", (0.68, 0.05), (0.76, 1.0), (0.58, 1.0), (0.50, 0.36)),
        _half("accent", (0.68, 0.05), (0.685, 0.12)),
    ),
    "dress": (
        _half("body", (0.61, 0.05), (0.66, 0.06), (0.64, 0.24), (0.60, 0.40), (0.80, 1.0)),
        _ellipse("hole", (0.41, -0.05), (0.59, 0.15)),
        _half("accent", (0.602, 0.37), (0.615, 0.43)),
    ),
    "shoe": (
        _outline(
            "body",
            (0.08, 0.46),
            (0.34, 0.46),
            (0.44, 0.62),
            (0.68, 0.72),
            (0.93, 0.78),
            (0.98, 0.94),
            (0.06, 0.94),
        ),
        _outline("accent", (0.05, 0.92), (0.985, 0.92), (0.97, 1.0), (0.06, 1.0)),
        _outline("accent", (0.40, 0.585), (0.47, 0.57), (0.62, 0.68), (0.55, 0.70)),
    ),
    "bag": (
        _half("body", (0.80, 0.42), (0.88, 1.0)),
        _ellipse("body", (0.31, 0.08), (0.69, 0.80)),
        _ellipse("hole", (0.36, 0.14), (0.64, 0.42)),
        _half("hole", (0.64, 0.28), (0.64, 0.42)),
        _half("accent", (0.805, 0.50), (0.815, 0.56)),
    ),
    "watch": (
        _half("accent", (0.60, 0.0), (0.62, 0.30)),
        _half("accent", (0.62, 0.72), (0.60, 1.0)),
        _ellipse("body", (0.25, 0.26), (0.75, 0.76)),
        _ellipse("accent", (0.31, 0.32), (0.69, 0.70)),
        _outline("slit", (0.48, 0.38), (0.52, 0.38), (0.52, 0.54), (0.48, 0.54)),
        _outline("slit", (0.48, 0.50), (0.52, 0.50), (0.61, 0.56), (0.59, 0.59), (0.48, 0.54)),
    ),
    "ring": (
        _ellipse("body", (0.17, 0.34), (0.83, 1.0)),
        _ellipse("hole", (0.25, 0.42), (0.75, 0.92)),
        _half("accent", (0.60, 0.10), (0.68, 0.20), (0.50, 0.40)),
    ),
    "necklace": (
        _ellipse("body", (0.14, 0.04), (0.86, 0.80)),
        _ellipse("hole", (0.18, 0.06), (0.82, 0.755)),
        _ellipse("accent", (0.41, 0.74), (0.59, 0.99)),
    ),
    "hat": (
        _half("body", (0.60, 0.34), (0.70, 0.40), (0.74, 0.86)),
        _ellipse("body", (0.04, 0.78), (0.96, 1.0)),
        _half("accent", (0.73, 0.72), (0.745, 0.85)),
    ),
    "bottle": (
        _half("body", (0.57, 0.18), (0.57, 0.36), (0.70, 0.48), (0.72, 1.0)),
        _half("accent", (0.585, 0.04), (0.585, 0.17)),
        _half("accent", (0.71, 0.60), (0.72, 0.86)),
    ),
    "mug": (
        _ellipse("body", (0.58, 0.40), (0.98, 0.84)),
        _ellipse("hole", (0.66, 0.48), (0.90, 0.76)),
        _outline("body", (0.16, 0.28), (0.74, 0.28), (0.71, 1.0), (0.19, 1.0)),
        _ellipse("accent", (0.17, 0.24), (0.73, 0.33)),
    ),
    "vase": (
        _half(
            "body",
            (0.60, 0.10),
            (0.57, 0.24),
            (0.68, 0.42),
            (0.76, 0.62),
            (0.70, 0.86),
            (0.62, 1.0),
        ),
        _ellipse("accent", (0.405, 0.07), (0.595, 0.13)),
    ),
    "lamp": (
        _half("accent", (0.525, 0.40), (0.525, 0.93)),
        _half("body", (0.62, 0.06), (0.84, 0.52)),
        _ellipse("accent", (0.32, 0.90), (0.68, 1.0)),
    ),
    "chair": (
        _half("accent", (0.70, 0.60), (0.76, 1.0), (0.71, 1.0), (0.64, 0.60)),
        _half("body", (0.70, 0.04), (0.74, 0.12), (0.71, 0.54)),
        _half("body", (0.76, 0.54), (0.80, 0.66)),
    ),
    "box": (
        _half("body", (0.82, 0.34), (0.82, 1.0)),
        _half("accent", (0.86, 0.24), (0.86, 0.38)),
        _half("accent", (0.55, 0.38), (0.55, 1.0)),
    ),
}

_WORDS: dict[str, str] = {
    "top": "top tee shirt tshirt hoodie sweatshirt sweater jacket coat blouse tank jersey polo "
    "cardigan pullover kurta vest",
    "trousers": "trousers pants jeans shorts leggings capri tights",
    "dress": "dress skirt gown saree tunic",
    "shoe": "shoe sneaker boot sandal heel loafer slipper trainer flip",
    "bag": "bag backpack tote purse wallet clutch handbag duffle basket",
    "watch": "watch clock",
    "ring": "ring bracelet bangle cuff",
    "necklace": "necklace chain pendant earring choker jewelry jewellery",
    "hat": "hat cap beanie fedora",
    "bottle": "bottle perfume oil wine deodorant lotion serum shampoo soap spray",
    "mug": "mug cup teacup tumbler",
    "vase": "vase pot planter bowl jar candle",
    "lamp": "lamp lantern",
    "chair": "chair stool sofa bench seat",
    "box": "box book poster album print set kit",
}
_SILHOUETTE_OF_WORD = {word: name for name, words in _WORDS.items() for word in words.split()}
_ANYTHING = ("bottle", "mug", "vase", "lamp", "box", "bag")


def choose_silhouette(subject: str, number: int) -> tuple[Shape, ...]:
    """The outline that the last fitting word of `subject` names, else one picked by `number`."""
    for word in reversed(re.findall(r"[a-z]+", subject.lower().replace("t-shirt", "tshirt"))):
        name = _SILHOUETTE_OF_WORD.get(word) or _SILHOUETTE_OF_WORD.get(word.removesuffix("s"))
        if name is not None:
            return SILHOUETTES[name]
    return SILHOUETTES[_ANYTHING[number % len(_ANYTHING)]]
