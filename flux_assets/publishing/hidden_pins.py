"""Pinned pictures that a channel may not show, whatever the overrides file says, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from flux_assets.manifest.stored import open_manifest
from flux_assets.prompts.inputs import load_overrides
from flux_assets.publishing.channel_editions import ChannelReport
from flux_assets.publishing.channels import Channel, ChannelsFile
from flux_assets.publishing.current import ChannelRules, CurrentPictures, StoredPicture
from flux_assets.publishing.decision import Decision
from flux_assets.publishing.decisions import Decisions, read_decisions
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.rendition_table import open_renditions
from flux_assets.publishing.rules import worst_of
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

EVERY_CHANNEL = "every channel"


class HiddenPin(NamedTuple):
    """A pinned picture, the channel that may not show it, and why in words."""

    product_id: str
    title: str
    shot: str
    channel: str
    why: str


def find_hidden_pins(
    settings: Settings,
    store: ObjectStore,
    channels: ChannelsFile,
    reports: Mapping[str, ChannelReport],
) -> list[HiddenPin]:
    """The pins of the overrides file that cannot be shown now; without any, nothing is read.

    A pin that names no stored picture is an error of its request, and not told again here.

    Args:
        settings: which name the overrides file.
        store: the shop's.
        channels: its channels file.
        reports: what became of each channel, just now.

    Raises:
        SourceError, OverridesError: the overrides file cannot be had, or is no such table.
        StoreError: the store cannot be read.
    """
    pins = load_overrides(settings).pins
    manifest = open_manifest(store) if pins else None
    if manifest is None:
        return []
    current = CurrentPictures(manifest, open_renditions(store))
    finder = _Finder(current=current, decisions=read_decisions(store))
    hidden = []
    for (product_id, shot), pin in sorted(pins.items()):
        stored = current.find_stored(product_id, shot)
        if stored is None or not stored.fingerprint.startswith(pin):
            continue
        for channel, why in finder.find(product_id, shot, stored, channels, reports):
            hidden.append(HiddenPin(product_id, stored.title, shot, channel, why))
    return hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finder:
    current: CurrentPictures
    decisions: Decisions

    def find(
        self,
        product_id: str,
        shot: str,
        stored: StoredPicture,
        channels: ChannelsFile,
        reports: Mapping[str, ChannelReport],
    ) -> Iterator[tuple[str, str]]:
        """The channels that may not show one pinned picture, and why."""
        known = self.decisions.find(stored.fingerprint)
        decision = known.of_bytes(stored.sha256) if known else None
        verdict = decision.verdict if decision else "undecided"
        if decision and verdict == "rejected":
            yield EVERY_CHANNEL, _describe(decision)
            return
        for channel in channels.enabled:
            edition = reports[channel.name].published.edition if channel.name in reports else None
            if all(shot not in slot.shots for slot in channel.slots.values()):
                continue
            if reasons := self._find_reasons(product_id, shot, channel):
                yield channel.name, reasons
            elif (
                channel.publish == "approved_only"
                and verdict == "undecided"
                and not _is_shown(edition, product_id, stored)
            ):
                yield channel.name, "it is not approved, and this channel shows no other"

    def _find_reasons(self, product_id: str, shot: str, channel: Channel) -> str:
        """Why the rules block the picture, where they do in every slot; else ''."""
        rules, blocking = ChannelRules(channel), []
        for slot in channel.slots.values():
            picture = self.current.find(product_id, shot, slot.profile)
            if shot not in slot.shots or picture is None:
                continue
            findings = rules.find(slot.name, picture)
            if worst_of(findings) != "block":
                return ""
            blocking += [it.reason for it in findings if it.verdict == "block"]
        return "; ".join(dict.fromkeys(blocking))


def _is_shown(edition: Edition | None, product_id: str, stored: StoredPicture) -> bool:
    product = edition.products.get(product_id) if edition else None
    shown = (it.picture for it in (product.showings if product else ()))
    wanted = (stored.fingerprint, stored.sha256)
    return any((it.fingerprint, it.master_sha256) == wanted for it in shown)


def _describe(decision: Decision) -> str:
    reasons = ", ".join(filter(None, (*decision.reasons, decision.note)))
    return f"rejected by {decision.by}, {decision.at}{f': {reasons}' if reasons else ''}"
