"""Products looked up in the store as `flux-assets show` does, without Dagster."""

import difflib
import json
from bisect import bisect
from collections.abc import Collection, Sequence
from uuid import uuid4

import click

from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.commands.component import find_settings
from flux_assets.commands.looking import open_made, tell_warnings
from flux_assets.commands.product_facts import ProductFacts
from flux_assets.commands.product_shown import show_product
from flux_assets.errors import ChoiceError, FluxAssetsError
from flux_assets.planning.last_tables import list_product_ids
from flux_assets.planning.one_product import OneProduct, read_one_products
from flux_assets.prompts.inputs import load_overrides
from flux_assets.publishing.one_product import read_published
from flux_assets.storage.object_store import ObjectStore

_STEP = "show"
_COMPARED = 50_000
"""On either side of where an id would stand among all: comparing 100,000 takes about a second."""


class NoSuchProductError(FluxAssetsError):
    """Nothing is known of a product."""


def show_products(wanted: Sequence[str], shots: Sequence[str], *, as_json: bool) -> None:
    """Print what is known of each wanted product, or of some of its shots.

    Raises:
        NoSuchProductError: nothing is known of one of them, so that nothing was printed.
        ChoiceError: none of them has a shot of that name.
        NoStoreError: there is no store.
        FluxAssetsError: the settings, the shots file, the overrides or the store cannot be read.
    """
    settings = find_settings(buys=False)
    tell_warnings(settings)
    store = open_made(settings)
    # Dagster is not asked which runs have ended, so that a claim is dead by its lease alone.
    nobody = RunIdentity(run_id=f"{_STEP}-{uuid4().hex}", step=_STEP, is_run_dead=lambda _: False)
    ledger = open_ledger(settings, store, nobody)
    products = read_one_products(settings, store, ledger, wanted, load_overrides(settings))
    _check_known(store, products)
    _check_shots(shots, {it.shot for product in products for it in product.shots})
    pictures = [it.picture for product in products for it in product.shots if it.picture]
    ids = {it for product in products for it in product.known.ids}
    published = read_published(store, ids, {it["request_fingerprint"] for it in pictures})
    shown = [
        ProductFacts(settings=settings, store=store, product=it, chosen=shots, published=published)
        for it in products
    ]
    if as_json:
        plain = {"store": store.uri, "products": [it.to_json() for it in shown]}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for it in shown:
        show_product(it)


def _check_known(store: ObjectStore, products: Sequence[OneProduct]) -> None:
    unknown = [it.known.product_id for it in products if not it.is_known]
    if not unknown:
        return
    near = _find_near(unknown[0], list_product_ids(store))
    raise NoSuchProductError(
        f"nothing is known of {', '.join(map(repr, unknown))}: the last refresh's catalog in "
        f"{store.uri} has no such product, and there is no picture of it"
        + (f". Near {unknown[0]!r}: {', '.join(near)}" if near else "")
        + ". `flux-assets plan --product-ids ID` looks into the export of now"
    )


def _find_near(product_id: str, known: Sequence[str]) -> list[str]:
    """Those that are nearly written so, in capitals or not."""
    spelt = {it.casefold(): it for it in known}
    folded, wanted = sorted(spelt), product_id.casefold()
    place = bisect(folded, wanted)
    compared = folded[max(0, place - _COMPARED) : place + _COMPARED]
    return [spelt[it] for it in difflib.get_close_matches(wanted, compared)]


def _check_shots(wanted: Sequence[str], known: Collection[str]) -> None:
    unknown = [it for it in wanted if it not in known]
    if unknown:
        raise ChoiceError("--shots", unknown, known)
