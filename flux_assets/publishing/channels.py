"""The channels file: YAML bytes -> how pictures are shown where, or the line to mend."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from flux_assets.errors import ChannelsFileError
from flux_assets.prompts.inputs import load_shots
from flux_assets.prompts.shots_schema import describe_unknown_key
from flux_assets.prompts.yaml_outline import KeyPath, YamlOutline, at_path
from flux_assets.publishing.channels_schema import (
    SLOTS_OF_FEEDS,
    Certainty,
    ChannelEntry,
    ChannelsFileEntry,
    Chroma,
    Failing,
    FeedEntry,
    FeedFormat,
    Fit,
    GalleryEntry,
    Mark,
    Policy,
    ProfileEntry,
    RenditionFormat,
    RuleEntry,
    SlotEntry,
    SlotName,
)
from flux_assets.settings import Settings
from flux_assets.storage.sources import read_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a rendition is made: of what size and format, on which colour (`#rrggbb`)."""

    name: str
    width_px: int
    height_px: int
    fit: Fit = "contain"
    format: RenditionFormat = "jpg"
    quality: int = 88
    chroma: Chroma = "4:2:0"
    background: str = "#ffffff"
    upscale: bool = False
    mark: Mark = "generated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a channel asks of a rendition's measures, and where that is written.

    `failing` is the verdict where `require` is not so. `slots` are those that it holds for, all
    if there are none. `says` is the rule in words, `on` when its source was read.
    """

    name: str
    require: str
    failing: Failing
    says: str
    slots: tuple[SlotName, ...]
    source: str
    on: date
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place of an offer that shows the first, or the `most` first, of these shots that may be.

    `profile` is what the feed names; `also` are further profiles of the same pictures.
    """

    name: SlotName
    shots: tuple[str, ...]
    profile: str
    also: tuple[str, ...] = ()
    most: int = 1

    @property
    def profiles(self) -> tuple[str, ...]:
        """All profiles that its pictures are made in."""
        return (self.profile, *self.also)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The file that a channel reads.

    `offer_id` is a template over a row of the export; empty for the channel's own id there.
    `legacy` says that Shopify's older headers are written.
    """

    format: FeedFormat
    offer_id: str = ""
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where pictures are sold; `publish` says which undecided ones are shown."""

    name: str
    enabled: bool
    publish: Policy
    feed: Feed
    slots: Mapping[SlotName, Slot]
    rollout_percent_per_day: float | None
    alt_text_suffix: str
    rules: tuple[Rule, ...]

    def rules_of(self, slot: SlotName) -> tuple[Rule, ...]:
        """Those that hold for one of its slots."""
        return tuple(rule for rule in self.rules if not rule.slots or slot in rule.slots)


THUMBNAIL = Profile(
    name="thumb_400", width_px=400, height_px=400, format="webp", quality=78, fit="contain"
)
"""Made of every picture, for people to look at; a profile of this name replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsFile:
    """A whole channels file; `sha256` (hex) is that of its bytes, `channels` are all of them."""

    name: str
    sha256: str
    gallery: GalleryEntry
    profiles: Mapping[str, Profile]
    channels: Mapping[str, Channel]
    lines: Mapping[tuple[str, SlotName], int]

    @property
    def enabled(self) -> tuple[Channel, ...]:
        """The channels that pictures are made for."""
        return tuple(channel for channel in self.channels.values() if channel.enabled)

    def profiles_of(self, shot: str) -> tuple[Profile, ...]:
        """What is made of each picture of a shot, in the order of their names."""
        slots = (slot for channel in self.enabled for slot in channel.slots.values())
        names = {name for slot in slots if shot in slot.shots for name in slot.profiles}
        return tuple(self.profiles[name] for name in sorted(names | {THUMBNAIL.name}))

    def check_shots(self, known: Collection[str]) -> None:
        """Make sure that enabled channels show what the shots file has.

        Raises:
            ChannelsFileError: one shows a shot that it has not.
        """
        for channel in self.enabled:
            for slot in channel.slots.values():
                for shot in slot.shots:
                    if shot not in known:
                        problem = f"{shot!r} is no shot; the shots file has {', '.join(known)}"
                        path = ("channels", channel.name, "slots", slot.name, "shots")
                        line = self.lines[channel.name, slot.name]
                        raise ChannelsFileError(self.name, at_path(path, problem), line=line)


def load_channels(settings: Settings) -> ChannelsFile | None:
    """Read the channels file; None where no setting names one, and nothing is published.

    Raises:
        SourceError, ChannelsFileError: it cannot be had, or not be used.
        ShotsFileError: the shots file cannot be used, whose shots it shows.
    """
    if settings.channels is None:
        return None
    channels = read_channels(read_bytes(settings.channels), settings.channels)
    channels.check_shots([shot.name for shot in load_shots(settings).shots])
    return channels


def read_channels(data: bytes, name: str) -> ChannelsFile:
    """Read a channels file strictly: whatever is not understood is an error, with its line.

    Args:
        data: the file's bytes, UTF-8.
        name: what errors call the file.

    Raises:
        ChannelsFileError: it is no YAML, or a key, value or rule cannot be used.
    """
    outline = YamlOutline(data, name, ChannelsFileError)
    try:
        file = ChannelsFileEntry.model_validate(outline.plain)
    except ValidationError as error:
        found = [_describe(details) for details in error.errors(include_url=False)]
        line, problem = min((outline.line_of(path), problem) for path, problem in found)
        raise ChannelsFileError(name, problem, line=line) from error
    wrong = [(outline.line_of(path), at_path(path, told)) for path, told in _find_wrong(file)]
    if wrong:
        line, problem = min(wrong)
        raise ChannelsFileError(name, problem, line=line)
    profiles = {key: Profile(name=key, **dict(entry)) for key, entry in file.profiles.items()}
    return ChannelsFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        gallery=file.gallery,
        profiles={THUMBNAIL.name: THUMBNAIL, **profiles},
        channels={key: _build_channel(key, entry, file) for key, entry in file.channels.items()},
        lines={
            (key, slot): outline.line_of(("channels", key, "slots", slot, "shots"))
            for key, entry in file.channels.items()
            for slot in entry.slots
        },
    )


def _build_channel(name: str, entry: ChannelEntry, file: ChannelsFileEntry) -> Channel:
    return Channel(
        name=name,
        enabled=entry.enabled,
        publish=entry.publish or file.publish,
        feed=Feed(**dict(entry.feed)),
        slots={key: Slot(name=key, **dict(slot)) for key, slot in entry.slots.items()},
        rollout_percent_per_day=entry.rollout_percent_per_day,
        alt_text_suffix=entry.alt_text_suffix,
        rules=tuple(Rule(**dict(rule)) for rule in (*file.rules, *entry.rules)),
    )


def _find_wrong(file: ChannelsFileEntry) -> Iterator[tuple[KeyPath, str]]:
    """What no key tells by itself: names that lead nowhere, and names that stand twice."""
    yield from _find_twice(file.rules, ("rules",), frozenset())
    shared = frozenset(rule.name for rule in file.rules)
    for name, channel in file.channels.items():
        path = ("channels", name)
        yield from _find_twice(channel.rules, (*path, "rules"), shared)
        of_feed = SLOTS_OF_FEEDS[channel.feed.format]
        for slot, entry in channel.slots.items():
            here = (*path, "slots", slot)
            if slot not in of_feed:
                yield here, f"{channel.feed.format} has no such slot, only {', '.join(of_feed)}"
            if entry.most > 1 and slot != "additional":
                yield (*here, "most"), "is for the slot `additional` only"
            for key, names in (("profile", (entry.profile,)), ("also", entry.also)):
                for profile in names:
                    if profile not in file.profiles and profile != THUMBNAIL.name:
                        known = ", ".join(file.profiles) or "none"
                        yield (*here, key), f"there is no profile {profile!r}; there are: {known}"


def _find_twice(
    rules: Sequence[RuleEntry], path: KeyPath, known: frozenset[str]
) -> Iterator[tuple[KeyPath, str]]:
    for place, rule in enumerate(rules):
        if rule.name in known:
            yield (*path, str(place), "name"), f"a rule {rule.name!r} stands a second time"
        known |= {rule.name}


def _describe(details: ErrorDetails) -> tuple[KeyPath, str]:
    """Where one of pydantic's errors is, and what it says in the words of the file."""
    path = tuple(str(part) for part in details["loc"] if part != "[key]")
    kind = details["type"]
    problem = details["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        problem = describe_unknown_key(path[-1], _keys_of(_model_of(path)))
    elif kind == "missing":
        problem = "is required"
    elif kind == "too_short":
        problem = "at least one is required"
    elif kind in {"model_type", "dict_type"}:
        problem = "must hold keys with their values"
    return path, at_path(path, problem)


_OF_FILE: Mapping[str, type[BaseModel]] = {
    "profiles": ProfileEntry,
    "rules": RuleEntry,
    "gallery": GalleryEntry,
}
_OF_CHANNEL: Mapping[str, type[BaseModel]] = {
    "feed": FeedEntry,
    "slots": SlotEntry,
    "rules": RuleEntry,
}


def _model_of(path: KeyPath) -> type[BaseModel]:
    """What may hold the key that a path ends in."""
    if len(path) == 1:
        return ChannelsFileEntry
    if path[0] in _OF_FILE:
        return _OF_FILE[path[0]]
    return _OF_CHANNEL[path[2]] if len(path) > 3 else ChannelEntry


def _keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())
