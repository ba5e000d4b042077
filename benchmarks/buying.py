"""Buying with the core alone, without Dagster: requests that differ, and a step's worth of work."""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from pydantic import SecretStr

from flux_assets.bill.open_ledger import RunIdentity, Stores
from flux_assets.buying.generation import open_generation
from flux_assets.image_api.open_api import open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.request import ImageRequest, build_image_request
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.settings import load_settings
from flux_assets.storage.object_store import ObjectStore


def build_requests(pictures: int) -> Iterator[ImageRequest]:
    """So many requests that differ."""
    for number in range(pictures):
        yield build_image_request(
            product_id=str(number),
            shot="hero",
            prompt=f"Studio photograph of product {number}",
            parameters={},
        )


def buy(
    store: ObjectStore,
    base_url: str,
    *,
    pictures: int,
    in_flight: int,
    extra: Mapping[str, str] = MappingProxyType({}),
) -> float:
    """CPU seconds of this process to buy so many pictures into a store that has none of them."""
    settings = load_settings(
        {
            "FLUX_ASSETS_MAX_IN_FLIGHT": str(in_flight),
            "FLUX_ASSETS_DAILY_IMAGE_LIMIT": "1000000",
            **extra,
        }
    )
    options = replace(
        ApiOptions.of(settings),
        base_url=base_url,
        is_simulated=False,
        requests_per_minute=1_000_000,
    )
    run = RunIdentity(run_id="bench", step="bench", is_run_dead=lambda _: False)
    began = time.process_time()
    with (
        open_api(options, api_key=SecretStr(SAMPLE_KEY)) as api,
        open_generation(
            settings,
            Stores(shop=store, root=store),
            api,
            run,
            to_obtain=pictures,
            retry_refused=False,
        ) as generation,
    ):
        outcomes = list(generation.obtain(build_requests(pictures)))
    seconds = time.process_time() - began
    if {outcome.kind for outcome in outcomes} != {"generated"}:
        sys.exit("not every picture was generated")
    return seconds
