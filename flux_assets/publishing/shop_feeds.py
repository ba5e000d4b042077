"""A shop's feeds, of its own export, by its settings."""

from collections.abc import Iterator

from flux_assets.catalog.offers import CatalogOffer, read_offers
from flux_assets.errors import SettingsError
from flux_assets.prompts.inputs import load_shots, read_export
from flux_assets.publishing.channel_editions import (
    NO_PUBLIC_URL,
    ChannelReport,
    PublishingTerms,
    publish_channels,
)
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.withdrawals import rejected_leaving
from flux_assets.settings import Settings, variable_of
from flux_assets.storage.object_store import ObjectStore


def publish_feeds(
    settings: Settings,
    store: ObjectStore,
    channels: ChannelsFile,
    *,
    by: str,
    why: str,
    accept_drop: bool = False,
) -> dict[str, ChannelReport]:
    """Make the next edition of each enabled channel, and its files; what became of each.

    Before an error is raised, what was rejected has left all channels.

    Args:
        settings: which name the export.
        store: the shop's.
        channels: its channels file.
        by: who publishes.
        why: upon what.
        accept_drop: go on though many products would show nothing any more.

    Raises:
        SettingsError: live pictures have no public address.
        SamplePictureError: a live shop has samples.
        SourceError, ShotsFileError, CatalogError: the export or the shots file cannot be had or
            used.
        StoreError: the store cannot be read or written.
        ChangeConflictError: other runs always came first.
    """
    with rejected_leaving(store, by=by, why=why):
        terms = PublishingTerms(
            public_url=build_public_url(settings),
            by=by,
            why=why,
            max_drop_percent=settings.max_product_drop_percent,
            accept_drop=accept_drop,
        )
        offers = load_offers(settings)
    return publish_channels(store, channels, offers, terms)


def build_public_url(settings: Settings) -> str:
    """The base of the shop's pictures' addresses; of sample pictures, one that leads nowhere.

    Raises:
        SettingsError: live pictures have none.
    """
    base = settings.public_url
    if settings.mode == "sample":
        base = NO_PUBLIC_URL
    elif base is None:
        problem = (
            "is not set, and feeds name pictures by it; give the address at which the public sees "
            f"what {variable_of('store')} names, such as https://cdn.example.com/pictures"
        )
        raise SettingsError(variable_of("public_url"), problem)
    return f"{base}/{settings.shop}" if settings.shop else f"{base}"


def load_offers(settings: Settings) -> Iterator[CatalogOffer]:
    """The export's offers, read as its products are.

    Raises:
        SourceError, ShotsFileError, CatalogError: as for `publish_feeds`.
    """
    return read_export(read_offers, settings, load_shots(settings))
