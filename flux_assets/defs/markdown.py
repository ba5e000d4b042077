"""Texts that others wrote, inside Markdown, which the UI renders: images in it would be loaded.

Dagster renders as Markdown not only metadata of that kind, but also what it calls a description:
of an event and of a check's result.
"""

import re
from collections.abc import Iterable, Sequence

_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>&|~]")
_CODE = re.compile(r"[\\`*\[\]<>&~]|(?<!\w)_|_(?!\w)")
_TICKS = re.compile(r"`+")


def escape_markdown(text: str) -> str:
    """A text as one line that shows just itself."""
    return " ".join(_MEANS_SOMETHING.sub(r"\\\g<0>", text).split())


def defuse_markdown(text: str) -> str:
    """A text as one line that shows just itself, in a description: as it is, or as code.

    The UI renders descriptions in some places, and shows them raw in others: so nothing is escaped.
    """
    line = " ".join(text.split())
    if not _CODE.search(line):
        return line
    fence = "`" * (max(map(len, _TICKS.findall(line)), default=0) + 1)
    return f"{fence} {line} {fence}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells are kept from breaking it, and from meaning anything."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(escape_markdown(str(cell)) for cell in line) + " |" for line in lines
    )


def name_products(product_ids: Iterable[str]) -> str:
    """The first ten products, each once, for a description; empty where there is none."""
    names = list(dict.fromkeys(product_ids))
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{', '.join(map(defuse_markdown, names[:10]))}{more}"
