"""For whom a run waits that wants to buy, since when, and what can be done about it."""

import dagster as dg

from flux_assets.defs.names import Names
from flux_assets.defs.pools import SHOWN_ID, Slot, read_pool
from flux_assets.defs.run_processes import judge_processes, read_processes


def describe_wait(instance: dg.DagsterInstance, names: Names, run_id: str) -> str:
    """For whom a run waits to buy, in a sentence or two; empty where it waits for no other run."""
    pool = read_pool(instance, names)
    holders = [slot for slot in pool.slots if slot.run_id != run_id]
    if not holders or all(slot.run_id != run_id for slot in pool.waiting):
        return ""
    told = "; ".join(describe_holder(instance, slot) for slot in holders)
    return f"Waiting for the pool {pool.name}, in which {pool.limit} may buy at a time: {told}"


def describe_holder(instance: dg.DagsterInstance, slot: Slot) -> str:
    """Who holds a slot, since when, whether that one lives, and what to do."""
    shown_id = slot.run_id[:SHOWN_ID]
    since = f" since {slot.asked_at:%Y-%m-%d %H:%M:%S} UTC" if slot.asked_at else ""
    has_it = f"run {shown_id} has the slot{since}"
    run = instance.get_run_by_id(slot.run_id)
    if run is None:
        return (
            f"{has_it}, and Dagster knows it no more; `flux-assets runs --end {shown_id}` frees it"
        )
    every = read_processes(instance, run)
    processes = [it for it in every if it.step == slot.step] or [it for it in every if not it.step]
    shown = ", ".join(dict.fromkeys(map(str, processes))) or "its process"
    match judge_processes(processes):
        case "alive":
            return f"{has_it}, and {shown} is at work; this goes on when that has ended"
        case "dead":
            return f"{has_it}, and {shown} is gone; it is freed when the run has ended"
        case "unknown":
            return (
                f"{has_it}, and {shown} cannot be seen from here; it may be at work. If you know "
                f"that it is dead, `flux-assets runs --end {shown_id}` frees the slot"
            )
