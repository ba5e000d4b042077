"""What a channel's rules say of a rendition, by its measures: pass, warn or block, and why."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from flux_assets.publishing.channels import Rule
from flux_assets.publishing.expressions import ask, list_names

Verdict = Literal["pass", "warn", "block"]


class Finding(NamedTuple):
    """A rule that a rendition does not keep, or that cannot be judged of it."""

    rule: Rule
    verdict: Verdict
    told: str

    @property
    def reason(self) -> str:
        """The whole of it for people, with its source and date."""
        return f"{self.rule.name}: {self.told} ({self.rule.source}, {self.rule.on})"


def judge(measures: Mapping[str, object], rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """The rules that are not kept, in their order; none for a rendition that passes.

    What is unknown neither passes nor blocks.

    Args:
        measures: all of `Measures`, by their names.
        rules: of the channel, for the slot.
    """
    found = (_judge(rule, measures) for rule in rules)
    return tuple(finding for finding in found if finding is not None)


def worst_of(findings: Iterable[Finding]) -> Verdict:
    """What they come to."""
    verdicts = {finding.verdict for finding in findings}
    return "block" if "block" in verdicts else "warn" if verdicts else "pass"


def _judge(rule: Rule, measures: Mapping[str, object]) -> Finding | None:
    words = rule.says or f"required is {rule.require}"
    try:
        is_kept = ask(rule.require, measures)
    except ValueError as error:
        return Finding(rule, "warn", str(error))
    if is_kept:
        return None
    names = list_names(rule.require)
    if is_kept is None:
        unknown = ", ".join(name for name in names if measures[name] is None)
        return Finding(rule, "warn", f"{words}; {unknown} is unknown")
    shown = ", ".join(f"{name} is {_show(measures[name])}" for name in names)
    return Finding(rule, rule.failing, f"{words}; {shown}" if shown else words)


def _show(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)
