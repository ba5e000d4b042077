"""The shop `bags` as a code location: the environment's settings, but for what is its own.

The account and the store are the environment's, so that all shops share the day's limit.
"""

import os

from flux_assets.defs.shop_definitions import build_definitions
from flux_assets.settings import load_settings

OWN = {
    "FLUX_ASSETS_SHOP": "bags",
    "FLUX_ASSETS_CATALOG": "exports/bags.csv",
    "FLUX_ASSETS_SHOTS": "exports/bags.shots.yaml",
    "FLUX_ASSETS_REQUESTS_PER_MINUTE": "90",  # its share of the account's 180
}

defs = build_definitions(load_settings({**os.environ, **OWN}))
