"""What a channels file may hold, key by key; what is wrong is told by pydantic."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from flux_assets.pictures.inspect import MAX_PIXELS
from flux_assets.prompts.templates import check_template
from flux_assets.publishing.expressions import check_expression

Fit = Literal["contain", "cover", "pad"]
RenditionFormat = Literal["jpg", "png", "webp", "avif"]
Chroma = Literal["4:2:0", "4:4:4"]
Mark = Literal["generated", "as_recorded"]
Policy = Literal["all_but_rejected", "approved_only"]
SlotName = Literal["main", "additional", "lifestyle", "ratio_4x5", "ratio_9x16"]
FeedFormat = Literal["google_tsv", "google_xml", "shopify_csv", "meta_csv", "jsonl"]
Failing = Literal["warn", "block"]
Certainty = Literal["official", "quoted", "3p", "own"]

SLOTS_OF_FEEDS: Mapping[FeedFormat, tuple[SlotName, ...]] = {
    "google_tsv": ("main", "additional", "lifestyle"),
    "google_xml": ("main", "additional", "lifestyle"),
    "shopify_csv": ("main", "additional"),
    "meta_csv": ("main", "additional", "ratio_4x5", "ratio_9x16"),
    "jsonl": ("main", "additional", "lifestyle", "ratio_4x5", "ratio_9x16"),
}
"""What each feed has columns for."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_Side = Annotated[int, Field(ge=16, le=10_000)]


def _check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            "a name takes lower-case letters, digits and _, starting with a letter, at most 40"
        )
    return name


def _check_color(color: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ValueError(f"{color!r} given; a colour is written as '#ffffff', in quotes")
    return color.lower()


def _check_expression(text: str) -> str:
    check_expression(text)
    return text


def _check_template(text: str) -> str:
    check_template(text)
    return text


def _as_names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _check_each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} stands here a second time")
    return names


_Name = Annotated[str, AfterValidator(_check_name)]
_Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ProfileEntry(_Entry):
    """How a rendition is made."""

    width_px: _Side
    height_px: _Side
    fit: Fit = "contain"
    format: RenditionFormat = "jpg"
    quality: Annotated[int, Field(ge=1, le=100)] = 88
    chroma: Chroma = "4:2:0"
    background: Annotated[str, AfterValidator(_check_color)] = "#ffffff"
    upscale: bool = False
    mark: Mark = "generated"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.format == "png" and "quality" in self.model_fields_set:
            raise ValueError("`quality` is for jpg, webp and avif; a png loses nothing")
        if self.format != "jpg" and "chroma" in self.model_fields_set:
            raise ValueError("`chroma` is for jpg only")
        if self.width_px * self.height_px > MAX_PIXELS:
            raise ValueError(f"a rendition has at most {MAX_PIXELS:,} pixels")
        return self


class RuleEntry(_Entry):
    """One rule of a channel."""

    name: _Name
    require: Annotated[str, AfterValidator(_check_expression)]
    failing: Annotated[Failing, Field(alias="else")]
    says: str = ""
    slots: Annotated[tuple[SlotName, ...], BeforeValidator(_as_names)] = ()
    source: Annotated[str, Field(min_length=1)]
    on: date
    certainty: Certainty

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.certainty == "3p" and self.failing == "block":
            raise ValueError(
                "what only guides say (`certainty: 3p`) may warn, not block; `certainty: own` is "
                "for what you decide yourself"
            )
        return self


class SlotEntry(_Entry):
    """Which pictures a place of an offer may show."""

    shots: Annotated[_Names, Field(min_length=1), AfterValidator(_check_each_once)]
    profile: str
    also: _Names = ()
    most: Annotated[int, Field(ge=1, le=250)] = 1


class FeedEntry(_Entry):
    """The file that a channel reads."""

    format: FeedFormat
    offer_id: Annotated[str, AfterValidator(_check_template)] = ""
    legacy: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.legacy and self.format != "shopify_csv":
            raise ValueError("`legacy` is for shopify_csv only")
        return self


class ChannelEntry(_Entry):
    """One channel."""

    enabled: bool = True
    publish: Policy | None = None
    feed: FeedEntry
    slots: dict[SlotName, SlotEntry] = {}
    rollout_percent_per_day: Annotated[float, Field(gt=0, le=100)] | None = None
    alt_text_suffix: str = ""
    rules: list[RuleEntry] = []


class GalleryEntry(_Entry):
    """Whether the gallery tells the prompts, and who decided, why, with their notes."""

    prompts: bool = False
    names: bool = False


class ChannelsFileEntry(_Entry):
    """The whole file."""

    publish: Policy = "all_but_rejected"
    gallery: GalleryEntry = GalleryEntry()
    profiles: dict[_Name, ProfileEntry] = {}
    rules: list[RuleEntry] = []
    channels: Annotated[dict[_Name, ChannelEntry], Field(min_length=1)]
