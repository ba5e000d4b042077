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
from flux_assets.manifest.rows import COLUMNS
from flux_assets.settings import Settings, variable_of

DOCS = Path(__file__).parent
_START = "<!-- made from the code by docs/generate.py -->"
_END = "<!-- end of what is made from the code -->"

_MANIFEST_MEANINGS = {
    "product_id": "The product.",
    "shot": "The shot.",
    "stale": "Whether the product and shot ask for another picture by now.",
    "object_uri": "Where the picture lies: `s3://...` or a path.",
    "url": "Where the public sees it; empty without `FLUX_ASSETS_PUBLIC_URL`.",
    "object_key": "Its key in the store.",
    "content_type": "`image/png` or `image/jpeg`.",
    "width_px": "Its width.",
    "height_px": "Its height.",
    "size_bytes": "Its size.",
    "sha256": "Of the stored bytes, which are the vendor's, untouched.",
    "prompt": "The words that were sent.",
    "seed": "The seed that was sent.",
    "guidance": "As sent.",
    "steps": "As sent.",
    "aspect_ratio": "As sent.",
    "output_format": "As sent.",
    "output_quality": "As sent.",
    "safety_tolerance": "As sent.",
    "prompt_upsampling": "As sent.",
    "model": "The vendor's model.",
    "take": "The take: 2 is a second picture with the same words.",
    "shot_version": "The shot's `version`.",
    "uuid": "The vendor's id of the call.",
    "request_fingerprint": "What was paid for: the identity of the picture.",
    "attempts": "How often the request was sent.",
    "possibly_paid_twice": "Sends of it that may have paid for a picture that nobody holds.",
    "latency_seconds": "How long the call took.",
    "cost_usd_estimate": "`FLUX_ASSETS_COST_USD_PER_IMAGE` when it was bought.",
    "generated_at": "When it was made: ISO 8601, UTC.",
    "mode": "`sample` or `live`.",
    "shot_mode": "`generate`: made from words; `edit`: made from the product's photo.",
    "source_uri": "The photo's address (`edit`).",
    "source_sha256": "Of the photo as it was uploaded (`edit`).",
    "asset_key": "The vendor's name of the uploaded photo (`edit`).",
    "recognition": "How much of the photo's product is found again, 0 to 1; empty: cannot be told.",
    "digital_source_type": "The IPTC's code for what the picture is.",
    "warnings": "How it differs from what was asked for, such as another size.",
}


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
    rows = ((f"`{name}`", kind, _MANIFEST_MEANINGS[name]) for name, kind in COLUMNS.items())
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
