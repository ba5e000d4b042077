"""What channels would show next, and showed: told of examples, for people to look at."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from flux_assets.errors import ObjectNotFoundError
from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.edition import Picture
from flux_assets.publishing.edition_changes import Change, find_changes
from flux_assets.publishing.edition_plan import EditionPlan
from flux_assets.publishing.edition_summaries import EditionSummaries
from flux_assets.publishing.editions import read_edition
from flux_assets.publishing.preview import ChannelPreview, preview_channels
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.web.errors import NoSuchThingError
from flux_assets.web.files import LiveAddresses

_ADDRESSES = LiveAddresses()
_MOST_SHOWN = 60
_MOST_EDITIONS = 10
_TITLED = ("product_id", "title")


def tell_previews(
    settings: Settings,
    store: ObjectStore,
    channels: ChannelsFile,
    manifest: StoredManifest,
    summaries: EditionSummaries,
) -> list[dict[str, Any]]:
    """Each channel's next edition, as it would be now, and its last ones.

    Raises:
        FluxAssetsError: the export or the store cannot be read.
    """
    return [
        _tell_preview(preview, manifest, summaries)
        for preview in preview_channels(settings, store, channels)
    ]


def tell_edition(
    store: ObjectStore, manifest: StoredManifest, channel: str, number: int
) -> dict[str, Any]:
    """What an edition shows otherwise than the one before.

    Raises:
        NoSuchThingError: there is none of this number.
        StoreError: it cannot be read.
    """
    try:
        edition = read_edition(store, channel, number)
        before = read_edition(store, channel, number - 1) if number > 1 else None
    except ObjectNotFoundError as error:
        raise NoSuchThingError("there is no such edition") from error
    changes = islice(find_changes(before, edition), _MOST_SHOWN)
    return {"changed": [*_tell_changes(changes, manifest, {})]}


def _tell_preview(
    preview: ChannelPreview, manifest: StoredManifest, summaries: EditionSummaries
) -> dict[str, Any]:
    following = preview.following
    plan = following.plan
    changes = [*find_changes(following.last, following.edition)]
    return {
        "channel": preview.channel,
        "last": following.last.number if following.last else 0,
        "shown": len(following.last.products) if following.last else 0,
        "is_new": following.is_new,
        "changed": [*_tell_changes(changes[:_MOST_SHOWN], manifest, _find_reasons(plan))],
        "changes_count": len(changes),
        "changed_count": len(plan.switched),
        "added_count": len(plan.added),
        "waiting_count": len(plan.waiting),
        "until": preview.waiting_until or None,
        "withdrawn_count": len(plan.withdrawn),
        "gone_count": len(plan.gone),
        "problem": str(following.problem) if following.problem else None,
        "editions": [
            {name: getattr(it, name) for name in ("number", "at", "by", "why", "changes")}
            for it in summaries.list_last(preview.channel, _MOST_EDITIONS)
        ],
    }


def _find_reasons(plan: EditionPlan) -> Mapping[str, str]:
    """Why a product shows something else, the graver reason last."""
    reasons = dict.fromkeys(plan.switched, "switched") | dict.fromkeys(plan.added, "new")
    reasons |= dict.fromkeys(plan.gone, "gone")
    return reasons | {it.product_id: it.why for it in plan.withdrawn}


def _tell_changes(
    changes: Iterable[Change], manifest: StoredManifest, reasons: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    listed = [*changes]
    owners = {it.product_id for it in listed}
    rows = manifest.read(_TITLED, where=("product_id", owners))
    titles = dict(read_rows(rows, _TITLED))
    for it in listed:
        yield {
            "product_id": it.product_id,
            "title": titles.get(it.product_id, ""),
            "slot": it.slot,
            "before": _find_thumb(it.before),
            "after": _find_thumb(it.after),
            "why": reasons.get(it.product_id, "switched"),
        }


def _find_thumb(picture: Picture | None) -> str | None:
    return _ADDRESSES.thumb(0, picture.fingerprint, picture.master_sha256) if picture else None
