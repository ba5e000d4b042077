"""Parts of Dagster that it calls beta, and that this is built on knowingly."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dagster_shared.utils.warnings import BetaWarning


@contextmanager
def without_beta_warnings() -> Iterator[None]:
    """Nobody who loads these definitions could do anything about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)
        yield
