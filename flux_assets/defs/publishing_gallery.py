"""`gallery`: all current pictures on a page that needs no server; free."""

import dagster as dg

from flux_assets.defs.images import OWNERS
from flux_assets.defs.names import Names
from flux_assets.defs.publishing import GROUP, load_channels_of_run
from flux_assets.defs.resources import STORE, open_stores
from flux_assets.defs.review_links import link_page
from flux_assets.publishing.gallery import INDEX_KEY, write_gallery
from flux_assets.settings import Settings

_NOTHING = "nothing"


def build_gallery(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `gallery`."""

    @dg.asset(
        key=names.key("gallery"),
        deps=[names.key("product_feeds")],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"html"},
        io_manager_key=names.steps,
        required_resource_keys={names.resource(STORE)},
        description=(
            "A page of all current pictures for anyone to look at: from a file, a bucket or a "
            "CDN, without a server. What changed is written, no more. Free."
        ),
    )
    def gallery(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg] # dagster compares with the bare class
        store = open_stores(context, names).shop
        report = write_gallery(settings, store, load_channels_of_run(settings))
        if report is None:
            return dg.MaterializeResult(data_version=dg.DataVersion(_NOTHING))
        url = store.url_for(INDEX_KEY)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(report.sha256),
            metadata={
                "object_uri": store.uri_for(INDEX_KEY),
                **({"url": dg.MetadataValue.url(url)} if url else {}),
                **link_page(settings),
                "pictures": report.pictures,
                "stored_files": report.stored,
                "stored_bytes": report.stored_bytes,
            },
        )

    return gallery
