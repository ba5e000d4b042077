"""Turns product catalogs into pictures with the Flux 2 Max image API, inside Dagster."""

import sys
from typing import TYPE_CHECKING

if sys.platform == "win32":
    sys.tracebacklimit = 0  # the sentence says it all
    raise ImportError(
        "flux_assets does not run on Windows itself, whose files have not the locks that keep two "
        "runs from paying twice: run it in WSL (`wsl --install`, then as on Linux)"
    )

if TYPE_CHECKING:
    from flux_assets.defs.component import CatalogImages

__all__ = ["CatalogImages"]


def __getattr__(name: str) -> object:
    """The component, loaded with Dagster only for who asks for it."""
    if name == "CatalogImages":
        from flux_assets.defs.component import CatalogImages

        return CatalogImages
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
