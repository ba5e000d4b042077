"""Texts that others wrote, inside Markdown, which the UI renders: images in it would be loaded.

Dagster renders as Markdown not only metadata of that kind, but also what it calls a description:
of an event and of a check's result.
"""

import re
from collections.abc import Iterable, Sequence

_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>&|~]")
_ESCAPED = re.compile(rf"\\({_MEANS_SOMETHING.pattern})")


def escape_markdown(text: str) -> str:
    """A text as one line that shows just itself."""
    return " ".join(_MEANS_SOMETHING.sub(r"\\\g<0>", text).split())


def unescape_markdown(text: str) -> str:
    """The text of which `escape_markdown` made one line."""
    return _ESCAPED.sub(r"\1", text)


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
    return f"{escape_markdown(', '.join(names[:10]))}{more}"
