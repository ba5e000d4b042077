"""A plan as the terminal shows it."""

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
from flux_assets.planning.dry_run import DryRun
from flux_assets.planning.reasons import count_reasons
from flux_assets.storage.frames import is_in


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
    if len(dry_run.plan.table):
        _show_prompts(dry_run, more=more_prompts)
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


def _show_prompts(dry_run: DryRun, *, more: bool) -> None:
    """The shortest, the longest and the first; or ten, and one product in all its shots."""
    chosen = dry_run.plan.table
    lengths = dry_run.requests.read(("fingerprint", "prompt_characters"))
    lengths = lengths[is_in(lengths["fingerprint"], chosen["fingerprint"])]
    samples = pick_samples(lengths["prompt_characters"].tolist())
    if not more:
        samples = {place: label for place, label in samples.items() if label or not place}
    fingerprints = lengths["fingerprint"].iloc[list(samples)].tolist()
    labels = dict(zip(fingerprints, samples.values(), strict=True))
    shown = dry_run.read_requests(labels)
    show_report(prompts_table([(request, labels[request.fingerprint]) for request in shown]))
    if not more:
        answers.print("`--prompts` shows more, and one product in all its shots.")
        return
    product_id = chosen["product_id"].mode(dropna=False).iloc[0]
    answers.print(f"{escape(product_id)}, in all its shots:", soft_wrap=True)
    of_one = chosen.loc[chosen["product_id"] == product_id, "fingerprint"]
    show_report(prompts_table([(it, "") for it in dry_run.read_requests(set(of_one))]))
