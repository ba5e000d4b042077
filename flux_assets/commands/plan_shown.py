"""A plan as the terminal shows it."""

from rich.markdown import Markdown
from rich.markup import escape

from flux_assets.commands.people import people
from flux_assets.defs.reports import (
    doubted_table,
    override_problems_table,
    pick_samples,
    plan_report,
    prompts_table,
    reasons_table,
)
from flux_assets.planning.dry_run import DryRun
from flux_assets.planning.reasons import count_reasons


def show_plan(dry_run: DryRun) -> None:
    """Print a plan, its sample prompts, and everything that stands in its way."""
    people.print(Markdown(plan_report(dry_run.plan, dry_run.to_buy)))
    samples = pick_samples([len(request.prompt) for request in dry_run.requests])
    picked = [(dry_run.requests[place], label) for place, label in samples.items()]
    if picked:
        people.print(Markdown(prompts_table(picked)))
    if dry_run.override_problems:
        people.print(Markdown(override_problems_table(dry_run.override_problems)))
    if dry_run.doubted:
        doubted = [(row.product_id, row.shot, row.reason) for row in dry_run.doubted]
        people.print(Markdown(doubted_table(doubted)))
    if dry_run.reasons:
        people.print(Markdown(reasons_table(count_reasons(dry_run.reasons))))
    for note in dry_run.notes or map(str, dry_run.prompt_errors[:10]):
        people.print(f"[bold]No picture:[/] {escape(note)}", soft_wrap=True)
    if dry_run.left_over_cap:
        people.print(
            f"{dry_run.left_over_cap} pictures would be left for other runs (over the cap)."
        )
    if dry_run.obstacle:
        people.print(f"[bold red]A refresh would stop:[/] {escape(dry_run.obstacle)}")
