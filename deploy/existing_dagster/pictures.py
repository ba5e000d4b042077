"""flux_assets as a code location that finds its files, in whichever folder Dagster is started.

What the environment says comes first.
"""

import os
from pathlib import Path

from flux_assets.defs.shop_definitions import build_definitions
from flux_assets.settings import load_settings

_FILES = Path(__file__).parents[2] / "data"  # the sample's: give your own folder
OWN = {
    "FLUX_ASSETS_CATALOG": str(_FILES / "catalog.csv"),
    "FLUX_ASSETS_SHOTS": str(_FILES / "shots.yaml"),
}

defs = build_definitions(load_settings({**OWN, **os.environ}))
