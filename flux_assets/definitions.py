"""The Dagster entry point: the shop that the environment describes."""

import os

from flux_assets.settings import load_settings
from flux_assets.shop_definitions import build_definitions

defs = build_definitions(load_settings(os.environ))
