"""Writes into docs/ what is made from the code; `make docs-pages` runs it.

A page keeps its own words: only what stands between its two marks is replaced.
"""

import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from flux_assets.commands.main import cli
from flux_assets.defs.component_attributes import read_meanings
from flux_assets.image_api.parameters import PARAMETERS
from flux_assets.manifest.rows import MANIFEST_COLUMNS
from flux_assets.publishing.measures import MEANINGS
from flux_assets.settings import Settings, variable_of

DOCS = Path(__file__).parent
_START = "<!-- made from the code by docs/generate.py -->"
_END = "<!-- end of what is made from the code -->"


def build_settings_table() -> str:
    """Every environment variable, with the text below its field and its default."""
    meanings = dict(read_meanings())
    rows = (
        (f"`{variable_of(name)}`", meanings[name], _show_default(field.default))
        for name, field in Settings.model_fields.items()
    )
    return _build_table(("variable", "meaning", "default"), rows)


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


def build_measures_table() -> str:
    """Everything that a channel's rule may ask of a rendition."""
    rows = ((f"`{name}`", meaning) for name, meaning in MEANINGS.items())
    return _build_table(("measure", "meaning"), rows)


_SHOWN_NAMES = 6
_FIELD_NAMES = {
    "product_id": "id",
    "title": "title",
    "description": "description",
    "category": "category",
    "brand": "brand",
    "color": "colour",
    "material": "material",
    "image_url": "photo",
}
_ROW_NAMES = {
    "row_type": "type of row",
    "parent": "parent",
    "published": "on sale or not",
    "hidden": "hidden or not",
    "variant_id": "id of a variant",
    "variant_image": "photo of a variant",
    "store_view": "translation",
}


def build_dialects() -> str:
    """Every kind of export: how it is recognised, what becomes what, and what is skipped."""
    text = files("flux_assets.catalog").joinpath("dialects.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return "\n\n".join(
        part
        for section in (*table["dialects"], table["generic"])
        for part in (f"### {section['title']}", section["note"], _describe_dialect(section))
    )


def _describe_dialect(section: Mapping[str, Any]) -> str:
    named = {**section["fields"], **section.get("columns", {})}
    ways = "; or ".join(
        " and ".join(_show_term(term, named) for term in signature)
        for signature in section.get("recognised", ())
    )
    lines = [f"- Recognised by {ways}." if ways else "- Taken where nothing else is recognised."]
    lines += [
        f"- {shown[0].upper()}{shown[1:]}: {_show_names(named[name])}."
        for name, shown in (_FIELD_NAMES | _ROW_NAMES).items()
        if name in named
    ]
    kinds = section.get("row_types", {})
    lines += [f"- Rows that are {kind}s: {_show_names(kinds[kind])}." for kind in kinds]
    if section.get("not_on_sale"):
        lines.append(f"- Not on sale, too: {_show_names(section['not_on_sale'])}.")
    return "\n".join(lines)


def _show_term(term: str | list[str], named: Mapping[str, Sequence[str]]) -> str:
    if isinstance(term, list):
        return f"one of {', '.join(_show_term(it, named) for it in term)}"
    if not term.startswith("@"):
        return f"`{term}`"
    meanings = {
        **_FIELD_NAMES,
        **_ROW_NAMES,
        "marks": "header that no other export has",
        "same_id_of": "id of a group",
        "price": "price",
    }
    return f"a known {meanings[term[1:]]}"


def _show_names(names: Sequence[str]) -> str:
    further = len(names) - _SHOWN_NAMES
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN_NAMES])
    return f"{shown} and {further} more" if further > 0 else shown


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
        yield from _show_examples(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _describe(command.commands[name], f"{path} {name}")


def _show_examples(command: click.Command) -> Iterator[str]:
    """Those below its help, as a block."""
    if command.epilog:
        yield "Examples:"
        yield "\n".join(f"  {line}" for line in command.epilog.splitlines()[2:])


def _build_table(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": build_settings_table,
    "shots.md": build_parameters_table,
    "manifest.md": build_manifest_table,
    "publishing.md": build_measures_table,
    "cli.md": build_commands,
    "catalogs.md": build_dialects,
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
