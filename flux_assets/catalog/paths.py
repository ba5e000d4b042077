"""Cells that list several categories -> the one that stands for the product."""

import re

_LIST_COMMA = re.compile(r"(?<!\\),")


def first_listed_path(cell: str) -> str:
    r"""WooCommerce's `Clothing > Hoodies, Gifts` -> `Clothing > Hoodies`; `\,` is a comma."""
    return _LIST_COMMA.split(cell, maxsplit=1)[0].replace("\\,", ",").strip()


def listed_values(cell: str) -> tuple[str, ...]:
    r"""WooCommerce's `Blue, Green\, dark` -> each value once; `\,` is a comma."""
    values: dict[str, str] = {}
    for text in _LIST_COMMA.split(cell):
        if value := text.replace("\\,", ",").strip():
            values.setdefault(value.casefold(), value)
    return tuple(values.values())


def first_magento_path(cell: str) -> str:
    """Magento's `Root/Men/Tops,Root/Gifts,Root` -> `Men > Tops`; the root is no category."""
    root = re.split(r"[/,]", cell, maxsplit=1)[0]
    for path in re.split(rf",(?={re.escape(root)}(?:[/,]|$))", cell):
        below_root = path.split("/")[1:]
        if below_root:
            return " > ".join(below_root)
    return root
