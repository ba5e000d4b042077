"""A profile and a master's size give a recipe, resolved to pixels; the same file has one name."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from flux_assets.publishing.channels import Profile
from flux_assets.publishing.channels_schema import RenditionFormat

RENDERER = 1
"""Raised by hand where our own pixels change, which makes every rendition anew."""

GENERATED = "trainedAlgorithmicMedia"
"""The only value that Google names, and true of edited photos, too: every pixel is made anew."""

_ID_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one master becomes one rendition, in pixels; nothing is left to be decided.

    Args:
        crop: what is taken of the upright master: left, top, right, bottom.
        size: what that becomes: width, height.
        canvas: of the whole rendition; larger where the picture is padded.
        place: of the picture on it: left, top.
        background: `#rrggbb`.
        format: of the file.
        quality: of an encoder that loses something, else 0.
        chroma: of a JPEG, else empty.
    """

    crop: tuple[int, int, int, int]
    size: tuple[int, int]
    canvas: tuple[int, int]
    place: tuple[int, int]
    background: str
    format: RenditionFormat
    quality: int
    chroma: str

    @property
    def is_upscaled(self) -> bool:
        """Whether it has more pixels than what it is made of."""
        left, top, right, bottom = self.crop
        return self.size[0] > right - left or self.size[1] > bottom - top

    @property
    def placed(self) -> tuple[int, int, int, int]:
        """Where on the rendition the picture is: left, top, right, bottom."""
        left, top = self.place
        return left, top, left + self.size[0], top + self.size[1]


def resolve(profile: Profile, width_px: int, height_px: int) -> Recipe:
    """The recipe for an upright master of this size.

    A master that is smaller gives a rendition of its own pixels, in the shape asked for, unless
    the profile allows more.
    """
    crop = (0, 0, width_px, height_px)
    if profile.fit == "cover":
        crop = _crop(profile, width_px, height_px)
    cut = (crop[2] - crop[0], crop[3] - crop[1])
    scales = (profile.width_px / cut[0], profile.height_px / cut[1])
    scale = min(scales) if profile.upscale else min(*scales, 1.0)
    size = (_scaled(cut[0], scale), _scaled(cut[1], scale))
    if profile.fit == "cover" and (profile.upscale or max(scales) <= 1):
        size = (profile.width_px, profile.height_px)
    canvas = size
    if profile.fit == "pad":
        smaller = scale / min(scales)
        canvas = (_scaled(profile.width_px, smaller), _scaled(profile.height_px, smaller))
        canvas = (max(canvas[0], size[0]), max(canvas[1], size[1]))
    return Recipe(
        crop=crop,
        size=size,
        canvas=canvas,
        place=((canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2),
        background=profile.background,
        format=profile.format,
        quality=0 if profile.format == "png" else profile.quality,
        chroma=profile.chroma if profile.format == "jpg" else "",
    )


def _crop(profile: Profile, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """The middle of a picture, as large as it can be in the profile's shape."""
    width = min(width_px, _scaled(profile.width_px, height_px / profile.height_px))
    height = min(height_px, _scaled(profile.height_px, width_px / profile.width_px))
    left, top = (width_px - width) // 2, (height_px - height) // 2
    return left, top, left + width, top + height


def _scaled(side_px: int, scale: float) -> int:
    return max(1, round(side_px * scale))


def mark_of(profile: Profile, digital_source_type: str) -> str:
    """What a rendition's mark says, of a picture whose lineage says this."""
    return GENERATED if profile.mark == "generated" else digital_source_type


def build_rendition_id(master_sha256: str, recipe: Recipe, mark: str) -> str:
    """What names a rendition: the same for the same file, of whichever profiles."""
    made_of = {
        "renderer": RENDERER,
        "master": master_sha256,
        "recipe": asdict(recipe),
        "mark": mark,
    }
    return _digest(made_of)


def digest_profile(profile: Profile, mark: str) -> str:
    """The same as long as a profile makes the same of each master; its name does not matter."""
    plain = {it.name: getattr(profile, it.name) for it in fields(profile) if it.name != "name"}
    return _digest({"renderer": RENDERER, "profile": plain, "mark": mark})


def _digest(plain: object) -> str:
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_ID_DIGITS]
