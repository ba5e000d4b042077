"""A plan as the terminal shows it."""

from collections import Counter
from collections.abc import Sequence

from rich.markup import escape

from flux_assets.commands.people import answers
from flux_assets.commands.reports_shown import show_report
from flux_assets.defs.reports import (
    doubted_table,
    override_problems_table,
    pick_samples,
    plan_report,
    prompts_table,
    reasons_table,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.planning.dry_run import DryRun
from flux_assets.planning.reasons import count_reasons


def show_plan(dry_run: DryRun, *, more_prompts: bool = False) -> None:
    """Print a plan: its numbers, what is amiss, prompts, and what stands in its way."""
    show_report(plan_report(dry_run.plan, dry_run.to_buy))
    if dry_run.reasons:
        show_report(reasons_table(count_reasons(dry_run.reasons)))
    if dry_run.override_problems:
        show_report(override_problems_table(dry_run.override_problems))
    if dry_run.doubted:
        doubted = [(row.product_id, row.shot, row.reason) for row in dry_run.doubted]
        show_report(doubted_table(doubted))
    if dry_run.requests:
        _show_prompts(dry_run.requests, more=more_prompts)
    for note in dry_run.notes or map(str, dry_run.prompt_errors[:10]):
        answers.print(f"[bold]No picture:[/] {escape(note)}", soft_wrap=True)
    if dry_run.left_over_cap:
        answers.print(
            f"{dry_run.left_over_cap} pictures would be left for other runs (over the cap).",
            soft_wrap=True,
        )
    if dry_run.obstacle:
        answers.print(
            f"[bold red]A refresh would stop:[/] {escape(dry_run.obstacle)}", soft_wrap=True
        )


def _show_prompts(requests: Sequence[ImageRequest], *, more: bool) -> None:
    """The shortest, the longest and the first; or ten, and one product in all its shots."""
    samples = pick_samples([len(request.prompt) for request in requests])
    if not more:
        samples = {place: label for place, label in samples.items() if label or not place}
    show_report(prompts_table([(requests[place], label) for place, label in samples.items()]))
    if not more:
        answers.print("`--prompts` shows more, and one product in all its shots.")
        return
    shots = Counter(request.product_id for request in requests)
    product_id = max(shots, key=shots.__getitem__)
    answers.print(f"{escape(product_id)}, in all its shots:", soft_wrap=True)
    show_report(prompts_table([(it, "") for it in requests if it.product_id == product_id]))
