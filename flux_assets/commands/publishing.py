"""What `flux-assets publish` does, and how it tells of it."""

from rich.markup import escape

from flux_assets.commands.people import answers, people
from flux_assets.commands.shop import look_at_shop
from flux_assets.errors import SettingsError
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.renditions import RenditionReport, refresh_renditions
from flux_assets.settings import Settings, variable_of

_SHOWN = 20


def publish_pictures(settings: Settings) -> tuple[RenditionReport, int]:
    """Make the renditions that are missing.

    Returns:
        What was done, and how many renditions there are now.

    Raises:
        SettingsError: no channels file is named.
        SourceError, ChannelsFileError, ShotsFileError: it cannot be had, or not be used.
        NoStoreError, StoreMismatchError, StoreError: there is no store, or it cannot be used.
    """
    channels = load_channels(settings)
    if channels is None:
        problem = "is not set, so nothing is published; name a channels file (docs/publishing.md)"
        raise SettingsError(variable_of("channels"), problem)
    with look_at_shop(settings, step="publish") as shop:
        return refresh_renditions(shop.store, channels, _tell)


def _tell(done: int, of: int) -> None:
    if of > done:
        people.print(f"{done} of {of} pictures rendered")


def show_publication(settings: Settings, report: RenditionReport, row_count: int) -> None:
    """Tell what was made, and name the pictures of which nothing could be."""
    answers.print(
        f"{row_count} renditions by {escape(str(settings.channels))}: {report.masters} pictures "
        f"rendered now, {report.stored} files stored ({report.stored_bytes / 1_000_000:.1f} MB).",
        soft_wrap=True,
    )
    for product_id, shot, problem in report.problems[:_SHOWN]:
        told = f"product {product_id!r}, shot {shot}: {problem}"
        people.print(f"[bold red]Failed:[/] {escape(told)}", soft_wrap=True)
    more = len(report.problems) - _SHOWN
    if more > 0:
        people.print(f"and {more} more")
