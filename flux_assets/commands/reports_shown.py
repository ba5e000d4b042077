"""A report in Markdown, as a terminal shows it, and a file or a pipe keeps it."""

import io

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown, TableElement
from rich.table import Table

from flux_assets.commands.people import answers


class _WholeTable(TableElement):
    """A table whose long words go on in the next line, where others end in an ellipsis."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Table):
                for column in part.columns:
                    column.overflow = "fold"
            yield part


class _Report(Markdown):
    elements = Markdown.elements | {"table_open": _WholeTable}


def show_report(markdown: str) -> None:
    """Print a report on standard output: as wide as the terminal, else as it is itself."""
    if answers.is_terminal:
        answers.print(_Report(markdown))
        return
    widest = 2 * max(map(len, markdown.splitlines()))  # letters of some scripts are two wide
    text = io.StringIO()
    type(answers)(file=text, width=widest, highlight=False, emoji=False).print(_Report(markdown))
    answers.out("\n".join(map(str.rstrip, text.getvalue().splitlines())))
