"""What a command says: its answer on standard output, all else on standard error.

A script and a file get the answer alone, and a person at a terminal both.

Titles, vendors' messages and file names are told in them. So what a terminal would obey instead
of showing it, and what turns the order of the letters about, is left out here, for all commands.
"""

import io
import logging
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional and other format marks
    "\u2028\u2029]"  # line and paragraph separators
)


class _Console(Console):
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


answers = _Console(highlight=False, emoji=False)
"""What a command is for: a plan, a result, a list."""
people = _Console(stderr=True, highlight=False, emoji=False)
"""Progress, warnings, questions and errors."""


def hold_standard_error() -> None:
    """Let people be told where standard error goes now, though the steps of a run take it."""
    with suppress(AttributeError, OSError):  # where it is closed, nobody is told anything
        stderr = sys.stderr
        people.file = os.fdopen(
            os.dup(stderr.fileno()), "w", 1, encoding=stderr.encoding, errors=stderr.errors
        )
        people.is_interactive = people.is_terminal and not people.is_dumb_terminal


def tell_logs() -> None:
    """Let warnings that no handler takes go to people, as Python would print them raw."""
    logging.lastResort = _LogHandler(logging.WARNING)


def tell_usage(error: click.ClickException) -> None:
    """Say what is wrong with a command line."""
    told = io.StringIO()
    error.show(file=told)
    people.print(escape(told.getvalue().rstrip("\n")), soft_wrap=True)
