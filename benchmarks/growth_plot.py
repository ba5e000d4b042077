"""A plot of time and memory by the number of products, as SVG, with both axes logarithmic."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 420, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 40, 48
_COLORS = ("#1f77b4", "#d62728", "#2ca02c")
_STYLE = "font: 12px sans-serif; fill: #444"


@dataclass(frozen=True, slots=True)
class _Axis:
    """Whole decades from `low` to `high`, drawn from one coordinate to another."""

    low: int
    high: int
    start: float
    end: float

    @property
    def ticks(self) -> Sequence[float]:
        return [10.0**decade for decade in range(self.low, self.high + 1)]

    def place(self, value: float) -> float:
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)


def draw_plot(
    seconds: Mapping[str, Mapping[int, float]],
    mebibytes: Mapping[str, Mapping[int, float]],
    *,
    time: str = "wall time",
) -> str:
    """Two panels side by side; each line's values by the number of products.

    Args:
        seconds: of each line.
        mebibytes: likewise.
        time: which time the seconds are.
    """
    size = f'width="{2 * _WIDTH + _RIGHT}" height="{_HEIGHT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{_STYLE}">',
        f'<rect {size} fill="white"/>',
    ]
    for number, (title, series) in enumerate(
        {f"{time}, seconds": seconds, "peak memory, MiB": mebibytes}.items()
    ):
        lines.append(f'<g transform="translate({number * _WIDTH} 0)">')
        lines.extend(_draw_panel(title, series))
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def _draw_panel(title: str, series: Mapping[str, Mapping[int, float]]) -> Iterator[str]:
    across = _axis([size for line in series.values() for size in line], _LEFT, _WIDTH - _RIGHT)
    up = _axis(
        [each for line in series.values() for each in line.values()], _HEIGHT - _BOTTOM, _TOP
    )
    yield f'<text x="{_LEFT}" y="20" font-weight="bold">{title}, by products</text>'
    below = _HEIGHT - _BOTTOM + 18
    for tick in across.ticks:
        x = across.place(tick)
        yield _line(x, _TOP, x, _HEIGHT - _BOTTOM, "#ddd")
        yield f'<text x="{x:.0f}" y="{below}" text-anchor="middle">{tick:,.0f}</text>'
    for tick in up.ticks:
        y = up.place(tick)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y, "#ddd")
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{tick:,g}</text>'
    for number, (name, line) in enumerate(series.items()):
        color = _COLORS[number % len(_COLORS)]
        points = [(across.place(size), up.place(value)) for size, value in line.items()]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
        y = _TOP + 14 + 16 * number
        yield f'<text x="{_LEFT + 8}" y="{y}" style="fill: {color}">{name}</text>'


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return _Axis(low, max(high, low + 1), start, end)


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{color}"/>'
