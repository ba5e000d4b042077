"""Whether this Dagster is one whose insides our stand-ins were tried with."""

import dagster

_TRIED = ("1.12.", "1.13.")


def is_tried() -> bool:
    """Whether stand-ins for parts of Dagster may be used; its own parts do without.

    What it costs then: an event takes twice the CPU time, and a run that waits for its pool asks
    without a pause, and is deaf to Ctrl-C meanwhile. What is bought, and how often, stays the same.
    """
    return dagster.__version__.startswith(_TRIED)
