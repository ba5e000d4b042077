"""The Dagster entry point: the shop that the environment describes."""

import os

from flux_assets.defs.shop_definitions import build_definitions
from flux_assets.settings import load_settings

defs = build_definitions(load_settings(os.environ))
