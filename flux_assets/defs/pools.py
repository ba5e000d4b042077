"""The pool of the steps that buy: who holds its slots, and who waits for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from flux_assets.defs.names import Names

API_POOL = "flux_2_max"
"""Steps that buy, of one shop; its name carries the shop, as all names do."""
SHOWN_ID = 8
"""So many characters of a run's id are told, and name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A step of a run that holds a slot, or waits for one; `asked_at` is when it asked for it."""

    run_id: str
    step: str
    asked_at: datetime | None
    is_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool's limit, None where it has none, and its slots."""

    name: str
    limit: int | None
    slots: Sequence[Slot]
    waiting: Sequence[Slot]


def read_pool(instance: dg.DagsterInstance, names: Names) -> Pool:
    """The shop's pool as it stands now."""
    name = names.name(API_POOL)
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return Pool(name=name, limit=None, slots=(), waiting=())
    found = storage.get_concurrency_info(name)
    asked = {(it.run_id, it.step_key): it.enqueued_timestamp for it in found.pending_steps}
    held = {(it.run_id, it.step_key) for it in found.claimed_slots}
    every = [
        Slot(run_id=run_id, step=step, asked_at=at, is_waiting=(run_id, step) not in held)
        for (run_id, step), at in {**dict.fromkeys(held), **asked}.items()
    ]
    return Pool(
        name=name,
        limit=found.limit,
        slots=[slot for slot in every if not slot.is_waiting],
        waiting=[slot for slot in every if slot.is_waiting],
    )


def free_slot(instance: dg.DagsterInstance, slot: Slot) -> None:
    """Free what a step holds or waits for, so that the next one has its turn."""
    instance.event_log_storage.free_concurrency_slot_for_step(slot.run_id, slot.step)
