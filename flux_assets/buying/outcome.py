"""What became of one image request in one run."""

import shlex
from dataclasses import dataclass
from typing import Literal

from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.lineage import LineageRecord

OutcomeKind = Literal[
    "generated",
    "recovered",
    "reused",
    "refused",
    "failed",
    "lost",
    "held",
    "skipped",
    "not_attempted",
]

WITH_PICTURE: frozenset[OutcomeKind] = frozenset({"generated", "recovered", "reused"})


def reroll_command(product_id: str, shot: str) -> str:
    """The command that asks for another picture with the same words."""
    return f"flux-assets reroll {shlex.quote(product_id)} --shots {shot}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One image request's end in this run; `lineage` is there exactly where a picture is.

    `reason` is one line for people. `calls` counts the sends of this run,
    `possibly_paid_twice` those of them that may pay for the same picture once more.
    `may_send_again` says that a later pass of the same run may try once more, `is_known` that
    nothing was attempted, since the ledger or the store says already how it ended.
    """

    kind: OutcomeKind
    request: ImageRequest
    reason: str = ""
    lineage: LineageRecord | None = None
    preview: bytes = b""
    calls: int = 0
    possibly_paid_twice: int = 0
    may_send_again: bool = False
    is_known: bool = False
