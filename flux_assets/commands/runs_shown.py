"""The runs that are under way, as the shell lists and ends them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from flux_assets.commands.dagster_home import DEFAULT_HOME, is_home_made, look_at_instance
from flux_assets.commands.people import answers, people
from flux_assets.commands.shop import read_names, read_settings
from flux_assets.defs.pools import SHOWN_ID, Pool, read_pool
from flux_assets.defs.runs import RunUnderWay, end_by_hand, end_dead_runs, find_runs
from flux_assets.defs.waited_for import describe_holder, describe_wait


def show_runs(to_end: Sequence[str], *, as_json: bool) -> None:
    """End what is dead, or said to be, and print what is left."""
    names = read_names(read_settings())
    if not is_home_made():
        home = escape(str(Path(DEFAULT_HOME).absolute()))
        people.print(f"Dagster has no home yet, which a refresh makes: {home}", soft_wrap=True)
    with look_at_instance() as instance:
        ended = end_dead_runs(instance, names)
        ended += [end_by_hand(instance, names, run_id) for run_id in to_end]
        found = find_runs(instance, names)
        pool = read_pool(instance, names)
        if as_json:
            shown = {
                "runs": [_to_json(it, pool) for it in found],
                "ended": [{"run_id": it.run_id, "reason": it.reason} for it in ended],
                "pool": _pool_to_json(pool),
            }
            click.echo(json.dumps(shown, indent=2))
            return
        for each in ended:
            answers.print(escape(f"Run {each.run_id[:SHOWN_ID]}: {each.reason}"), soft_wrap=True)
        _show(found, pool)
        for it in found:
            told = describe_wait(instance, names, it.run.run_id)
            if told:
                answers.print(escape(f"Run {it.run.run_id[:SHOWN_ID]}: {told}."), soft_wrap=True)
        under_way = {it.run.run_id for it in found}
        for slot in pool.slots:
            if slot.run_id not in under_way:
                answers.print(escape(f"{describe_holder(instance, slot)}."), soft_wrap=True)


def _show(found: Sequence[RunUnderWay], pool: Pool) -> None:
    for it in found:
        answers.print(
            f"[bold]{it.run.run_id[:SHOWN_ID]}[/] {escape(it.name)}, since "
            f"{it.since:%Y-%m-%d %H:%M:%S} UTC: {escape(_doing(it, pool))}; {escape(_life(it))}",
            soft_wrap=True,
        )
    if not found:
        answers.print("No run is under way.")
    limit = "no limit" if pool.limit is None else f"the limit {pool.limit}"
    answers.print(
        f"The pool {pool.name} has {limit}; steps that buy: {len(pool.slots)}, that wait: "
        f"{len(pool.waiting)}.",
        soft_wrap=True,
    )


def _doing(it: RunUnderWay, pool: Pool) -> str:
    """What a run does, as its steps and the pool say."""
    run_id = it.run.run_id
    if it.is_queued:
        return "queued"
    buys = [slot.step for slot in pool.slots if slot.run_id == run_id]
    waits = [slot.step for slot in pool.waiting if slot.run_id == run_id]
    parts = [
        *(f"buys: {step}" for step in buys),
        *(f"does: {step}" for step in it.steps if step not in buys),
        *(f"waits to buy: {step}" for step in waits),
    ]
    return ", ".join(parts) or "between two steps"


def _life(it: RunUnderWay) -> str:
    return "no process yet" if it.is_queued else f"{it.life}, {it.shown_processes}"


def _to_json(it: RunUnderWay, pool: Pool) -> dict[str, Any]:
    return {
        "run_id": it.run.run_id,
        "of": it.name,
        "status": it.run.status.value,
        "since": it.since.isoformat(),
        "doing": _doing(it, pool),
        "life": "queued" if it.is_queued else it.life,
        "processes": [
            {"host": each.host, "pid": each.process.pid, "step": each.step, "life": each.life}
            for each in it.processes
        ],
    }


def _pool_to_json(pool: Pool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "limit": pool.limit,
        "slots": [{"run_id": slot.run_id, "step": slot.step} for slot in pool.slots],
        "waiting": [{"run_id": slot.run_id, "step": slot.step} for slot in pool.waiting],
    }
