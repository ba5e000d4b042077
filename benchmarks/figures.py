"""Figures with what they are held against, and the one table that shows them."""

import argparse
import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

QUICK_VARIABLE = "BENCH_QUICK"
ROUNDS = 3

_HEADINGS = ("what", "ours", "floor or peer", "ratio", "target", "met")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a ratio of ours to its peer must be; `equal` compares the figures themselves."""

    kind: Literal["at most", "at least", "equal"]
    ratio: float = 1.0

    def __str__(self) -> str:
        return "equal" if self.kind == "equal" else f"{self.kind} {self.ratio:.2f} x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: ours and the peer's in the same unit; without a peer or a target, only reported."""

    name: str
    unit: str
    ours: float
    peer: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's; None where there is nothing to divide by."""
        return self.ours / self.peer if self.peer else None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        if self.target.kind == "equal":
            return self.ours == self.peer
        if self.ratio is None:
            return False
        if self.target.kind == "at most":
            return self.ratio <= self.target.ratio
        return self.ratio >= self.target.ratio

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        met = {None: "", True: "yes", False: "NO"}[self.is_met]
        return (
            self.name,
            _show(self.ours, self.unit),
            "" if self.peer is None else _show(self.peer, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.target is None else str(self.target),
            met,
        )


Measure = Callable[[bool], Sequence[Figure]]
"""Gives a subject's figures; the argument asks for the reduced version."""


def at_most(ratio: float) -> Target:
    """Ours may be so many times the peer's."""
    return Target(kind="at most", ratio=ratio)


def at_least(ratio: float) -> Target:
    """Ours must be so many times the peer's."""
    return Target(kind="at least", ratio=ratio)


EQUAL = Target(kind="equal")


def count_calls(what: str, calls: int, *, wanted: int) -> Figure:
    """How many pictures were asked for, which must be just so many."""
    return Figure(name=f"{what}: calls", unit="calls", ours=calls, peer=wanted, target=EQUAL)


def median_of_rounds(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Each measure's median; they are taken in turn, so that all see the same machine."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(values) for values in zip(*taken, strict=True)]


def build_table(figures: Iterable[Figure]) -> str:
    """A Markdown table whose columns line up, so that it reads well in a terminal too."""
    rows = [_HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [_build_line(row, widths) for row in rows]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def run_alone(measure: Measure, description: str | None) -> None:
    """Measure one subject from the command line, and print its table."""
    print(build_table(measure(read_quick_flag(description))))


def read_quick_flag(description: str | None) -> bool:
    """Whether the command line or the environment asks for the reduced version."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a reduced version, to see it work")
    return bool(parser.parse_args().quick or os.environ.get(QUICK_VARIABLE))


def _build_line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _show(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{shown} {unit}"
