"""Turns product catalogs into pictures with the Flux 2 Max image API, inside Dagster."""

import sys

if sys.platform == "win32":
    sys.tracebacklimit = 0  # the sentence says it all
    raise ImportError(
        "flux_assets does not run on Windows itself, whose files have not the locks that keep two "
        "runs from paying twice: run it in WSL (`wsl --install`, then as on Linux)"
    )
