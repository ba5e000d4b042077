"""What the TAB key offers: shots and products of the shop, quickly, and never an error."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flux_assets.errors import StoreError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import table_key
from flux_assets.storage.parquet import open_table

if TYPE_CHECKING:
    from flux_assets.settings import Settings

_SMALL_BYTES = 500_000
"""An export that is read within a blink."""


def complete_shots(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """The shots of the shots file that start so."""
    del context, parameter
    return _offer(_read_shots, start)


def complete_products(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """The products that start so, of the last run, else of an export that is small and here."""
    del context, parameter
    return _offer(_read_products, start)


def _offer(read: "Callable[[Settings], Iterable[str]]", start: str) -> list[str]:
    """What is read that starts so; nothing where it cannot be: nobody waits for a reason here."""
    with suppress(Exception):
        from flux_assets.settings import load_settings

        return [name for name in read(load_settings(os.environ)) if name.startswith(start)]
    return []


def _read_shots(settings: "Settings") -> Iterable[str]:
    return map(str, _read_shots_file(settings)["shots"])


def _read_products(settings: "Settings") -> Iterable[str]:
    """Those of the last run, which a bucket is not asked for; else of an export that is small."""
    with suppress(StoreError):
        store = DirectoryStore(Path(settings.store, settings.shop or ""))
        return open_table(store, table_key("product_catalog.parquet")).read_texts("product_id")
    export = Path(settings.catalog)
    if export.stat().st_size > _SMALL_BYTES:
        return ()

    from flux_assets.catalog.read import read_catalog

    said = _read_shots_file(settings)
    catalog = read_catalog(
        export.read_bytes(),
        export.name,
        columns=said.get("columns"),
        one_set_per=said.get("one_set_per", "product"),
        include_unpublished=said.get("include_unpublished", False),
        encoding=settings.catalog_encoding or "",
    )
    return (product.product_id for product in catalog.products)


def _read_shots_file(settings: "Settings") -> dict[str, Any]:
    import yaml

    said: dict[str, Any] = yaml.safe_load(Path(settings.shots).read_bytes())
    return said
