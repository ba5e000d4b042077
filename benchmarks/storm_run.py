"""One run of the kill storm: buys what is not stored, reports the rest, prints each outcome.

`kill_storm.py` starts it, with the settings in the environment, and kills it.
"""

import argparse
import json
import os
from dataclasses import replace
from itertools import chain
from pathlib import Path

from pydantic import SecretStr

from flux_assets.bill.open_ledger import RunIdentity, Stores
from flux_assets.buying.generation import open_generation
from flux_assets.image_api.open_api import open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.stored_pictures import list_pictures
from storm_requests import build_requests


def main() -> None:
    """Buy, as a step of a refresh does after its plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_id")
    parser.add_argument("base_url")
    parser.add_argument("requests", type=int)
    arguments = parser.parse_args()
    settings = load_settings(os.environ)
    store = DirectoryStore(Path(settings.store))
    options = replace(ApiOptions.of(settings), base_url=arguments.base_url, is_simulated=False)
    run = RunIdentity(run_id=arguments.run_id, step="storm", is_run_dead=lambda _: False)
    pictures = list_pictures(store)
    keys = dict(zip(pictures.shorts.to_pylist(), pictures.keys.to_pylist(), strict=True))
    requests = list(build_requests(arguments.requests))
    wanted = [request for request in requests if request.fingerprint[:32] not in keys]
    stored = [
        (request, keys[request.fingerprint[:32]])
        for request in requests
        if request.fingerprint[:32] in keys
    ]
    with (
        open_api(options, api_key=SecretStr(SAMPLE_KEY)) as api,
        open_generation(
            settings,
            Stores(shop=store, root=store),
            api,
            run,
            to_obtain=len(wanted),
            retry_refused=False,
        ) as generation,
    ):
        for outcome in chain(generation.obtain(wanted), generation.reuse(stored)):
            print(json.dumps({"kind": outcome.kind, "reason": outcome.reason}), flush=True)


if __name__ == "__main__":
    main()
