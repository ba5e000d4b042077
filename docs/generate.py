"""Writes into docs/ what is made from the code; `make docs-pages` runs it.

A page keeps its own words: only what stands between its two marks is replaced.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import click

from flux_assets.commands.main import cli
from flux_assets.image_api.parameters import PARAMETERS
from flux_assets.manifest.rows import MANIFEST_COLUMNS
from flux_assets.settings import Settings, variable_of

DOCS = Path(__file__).parent
_START = "<!-- made from the code by docs/generate.py -->"
_END = "<!-- end of what is made from the code -->"


def build_settings_table() -> str:
    """Every environment variable, with the text below its field and its default."""
    (declared,) = ast.parse(inspect.getsource(Settings)).body
    meanings = dict(_read_texts_below_fields(declared))
    rows = (
        (f"`{variable_of(name)}`", meanings[name], _show_default(field.default))
        for name, field in Settings.model_fields.items()
    )
    return _build_table(("variable", "meaning", "default"), rows)


def _read_texts_below_fields(declared: ast.stmt) -> Iterator[tuple[str, str]]:
    if not isinstance(declared, ast.ClassDef):
        raise TypeError(f"{declared} is no class")
    for field, below in pairwise(declared.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())


def _show_default(default: object) -> str:
    if default is None or default in ((), {}):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def build_parameters_table() -> str:
    """Every parameter of the API that a shot, a column or an override may give."""
    rows = (
        (
            f"`{name}`",
            parameter.expected,
            _show_default(parameter.default),
        )
        for name, parameter in PARAMETERS.items()
    )
    return _build_table(("parameter", "takes", "default"), rows)


def build_manifest_table() -> str:
    """Every column of the manifest, with its type and meaning."""
    rows = ((f"`{column.name}`", column.type, column.meaning) for column in MANIFEST_COLUMNS)
    return _build_table(("column", "type", "meaning"), rows)


_DETAILS, _IN_BRACKETS = re.compile(r" *\[(.*)\]$"), r" (\1)"
"""Such as a default, which click writes in brackets."""


def build_commands() -> str:
    """Every command with its help, usage and options, as `--help` has them."""
    return "\n\n".join(_describe(cli, "flux-assets"))


def _describe(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=100)
    if command is not cli:
        yield f"## {path}"
        yield inspect.cleandoc(command.help or "")
        yield f"    {path} {' '.join(command.collect_usage_pieces(context))}"
        given = [it for it in command.params if isinstance(it, click.Option)]
        records = [it.get_help_record(context) for it in given]
        options = [f"- `{it[0]}`: {_DETAILS.sub(_IN_BRACKETS, it[1])}" for it in records if it]
        if options:
            yield "\n".join(options)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _describe(command.commands[name], f"{path} {name}")


def _build_table(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": build_settings_table,
    "shots.md": build_parameters_table,
    "manifest.md": build_manifest_table,
    "cli.md": build_commands,
}
"""The pages with a part that is made from the code."""


def fill(page: str, made: str) -> str:
    """The page with this between its marks.

    Raises:
        ValueError: it has not just one of each mark, in their order.
    """
    before, _, rest = page.partition(_START)
    _, end, after = rest.partition(_END)
    if not end or _START in rest or _END in before + after:
        raise ValueError(f"the page needs {_START} and, after it, {_END}")
    return f"{before}{_START}\n\n{made}\n\n{end}{after}"


def main() -> None:
    """Write the pages anew."""
    for name, build in PAGES.items():
        path = DOCS / name
        path.write_text(fill(path.read_text("utf-8"), build()), "utf-8")


if __name__ == "__main__":
    main()
