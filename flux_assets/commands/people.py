"""Where messages for people go: standard error, so that a script gets standard output alone.

Titles, vendors' messages and file names are told in them. So what a terminal would obey instead
of showing it, and what turns the order of the letters about, is left out here, for all commands.
"""

import io
import logging
import re
from collections.abc import Iterable

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional and other format marks
    "\u2028\u2029]"  # line and paragraph separators
)


class _People(Console):
    """A console on which a text can do nothing but be read."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As of the base class, without what a terminal would obey; its own colours stay."""
        for segment in super().render(renderable, options):
            if segment.control or not _OBEYED.search(segment.text):
                yield segment
            else:
                yield Segment(_OBEYED.sub("", segment.text), segment.style)


class _LogHandler(logging.Handler):
    """Tells people what is logged where nobody else takes it."""

    def emit(self, record: logging.LogRecord) -> None:
        people.print(escape(self.format(record)), soft_wrap=True)


people = _People(stderr=True, highlight=False, emoji=False)


def tell_logs() -> None:
    """Let warnings that no handler takes go to people, as Python would print them raw."""
    logging.lastResort = _LogHandler(logging.WARNING)


def tell_usage(error: click.ClickException) -> None:
    """Say what is wrong with a command line."""
    told = io.StringIO()
    error.show(file=told)
    people.print(escape(told.getvalue().rstrip("\n")), soft_wrap=True)
