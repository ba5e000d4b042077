"""What `flux-assets publish` does, and how it tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.markup import escape

from flux_assets.commands.deciding import name_person
from flux_assets.commands.feeds_shown import list_example, show_feeds, show_left_out
from flux_assets.commands.people import answers, people
from flux_assets.commands.shop import look_at_shop
from flux_assets.errors import SettingsError
from flux_assets.publishing.channel_editions import NO_PUBLIC_URL, ChannelReport
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.gallery import INDEX_KEY, GalleryReport
from flux_assets.publishing.renditions import RenditionReport
from flux_assets.publishing.shop_publication import publish_shop
from flux_assets.settings import Settings, variable_of
from flux_assets.storage.object_store import ObjectStore

_SHOWN = 20
_SAMPLES = (
    f"Feeds name samples at {NO_PUBLIC_URL}, which leads nowhere: none is published by mistake."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What was made: `row_count` is how many renditions there are now."""

    store: ObjectStore
    renditions: RenditionReport
    row_count: int
    feeds: Mapping[str, ChannelReport]
    gallery: GalleryReport | None

    @property
    def exit_code(self) -> int:
        """1 where a feed could not be trusted, 2 where nothing could be made of a picture."""
        if any(report.published.problem for report in self.feeds.values()):
            return 1
        return 2 if self.renditions.problems else 0


def publish_pictures(settings: Settings, *, accept_drop: bool) -> Publication:
    """Make the renditions that are missing, the channels' feeds, and the gallery.

    Raises:
        SettingsError: no channels file is named, or live pictures have no public address.
        SourceError, ChannelsFileError, ShotsFileError, CatalogError: a file cannot be had, or not
            be used.
        NoStoreError, StoreMismatchError, StoreError: there is no store, or it cannot be used.
    """
    channels = load_channels(settings)
    if channels is None:
        problem = "is not set, so nothing is published; name a channels file (docs/publishing.md)"
        raise SettingsError(variable_of("channels"), problem)
    with look_at_shop(settings, step="publish") as shop:
        made = publish_shop(
            settings,
            shop.store,
            channels,
            by=name_person(),
            why="publish",
            accept_drop=accept_drop,
            tell=_tell,
        )
        return Publication(
            store=shop.store,
            renditions=made.renditions,
            row_count=made.row_count,
            feeds=made.feeds,
            gallery=made.gallery,
        )


def _tell(done: int, of: int) -> None:
    if of > done:
        people.print(f"{done} of {of} pictures rendered")


def show_publication(settings: Settings, publication: Publication) -> None:
    """Tell what was made, and name the pictures of which nothing could be."""
    _show_renditions(settings, publication)
    show_feeds(publication.store, publication.feeds)
    if publication.gallery:
        where = escape(publication.store.uri_for(INDEX_KEY))
        count = publication.gallery.pictures
        answers.print(f"The gallery of {count} pictures: {where}", soft_wrap=True)
    if not publication.feeds:
        answers.print(
            "There is no feed: no channel is enabled, or no refresh has come to its end yet."
        )
    elif settings.is_sample:
        answers.print(_SAMPLES, soft_wrap=True)


def show_demo(publication: Publication) -> None:
    """The same in short, and where a feed lies, with one of its pictures."""
    _show_problems(publication.renditions)
    show_left_out(publication.feeds)
    lines = list(list_example(publication.store, publication.feeds))
    names = ", ".join(name for name, it in publication.feeds.items() if it.published.edition)
    answers.print(
        f"Files for {names or 'sales channels'}: {publication.row_count}, each marked as made by AI"
        f"{'. A feed, and a picture that it names:' if lines else '.'}",
        soft_wrap=True,
    )
    for line in lines:
        answers.print(line, markup=False, soft_wrap=True)
    answers.print(_SAMPLES, soft_wrap=True)


def _show_renditions(settings: Settings, publication: Publication) -> None:
    report = publication.renditions
    answers.print(
        f"{publication.row_count} renditions by {escape(str(settings.channels))}: "
        f"{report.masters} pictures rendered now, {report.stored} files stored "
        f"({report.stored_bytes / 1_000_000:.1f} MB).",
        soft_wrap=True,
    )
    _show_problems(report)


def _show_problems(report: RenditionReport) -> None:
    for product_id, shot, problem in report.problems[:_SHOWN]:
        told = f"product {product_id!r}, shot {shot}: {problem}"
        people.print(f"[bold red]Failed:[/] {escape(told)}", soft_wrap=True)
    more = len(report.problems) - _SHOWN
    if more > 0:
        people.print(f"and {more} more")
