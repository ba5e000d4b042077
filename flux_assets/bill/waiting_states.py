"""Why a request waits for a person."""

from typing import Literal, get_args

WaitingState = Literal[
    "held", "refused", "failed", "unfetched", "undecoded", "lost", "missing", "unknown"
]
WAITING_STATES: tuple[WaitingState, ...] = get_args(WaitingState)
