"""Cells that list several categories -> the one that stands for the product."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from flux_assets.catalog.lists import unwrap_list
from flux_assets.catalog.nothing import says_nothing
from flux_assets.catalog.repeated_cells import remember_short

_PARTS_PATHS = re.compile(r"[|;\r\n\uff5c\uff1b]+")
_STEP = re.compile(r"\s*[>\u203a\u00bb]\s*|/|,")
_LIST_COMMA = re.compile(r"(?<!\\),")
# As Shopware, Akeneo and Wix number categories, and what Heureka's paths begin with: no category.
_IDENTIFIER = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{24}|heureka\.(?:cz|sk)", re.IGNORECASE
)


def first_listed_path(cell: str) -> str:
    r"""WooCommerce's `Clothing > Hoodies, Gifts` -> `Clothing > Hoodies`; `\,` is a comma.

    `Uncategorized` is none.
    """
    paths = (path.replace("\\,", ",").strip() for path in _LIST_COMMA.split(cell))
    return next((path for path in paths if not says_nothing(path)), "")


def first_category(lines: str, read_category: Callable[[str], str]) -> str:
    """The path of a category cell: `Women > Tops`, of one with several the first; empty if none.

    It has to be words: Google's and PrestaShop's may be bare numbers.

    What stands on lines of its own, or between `|` or `;`, is a path's steps, unless these are
    paths themselves.
    """
    parts = [" ".join(part.split()) for part in _PARTS_PATHS.split(unwrap_list(lines))]
    parts = [part for part in parts if not says_nothing(part) and not _IDENTIFIER.fullmatch(part)]
    if not parts:
        return ""
    if len(parts) > 1 and not any(map(_STEP.search, parts)):
        category = " > ".join(parts)
    else:
        category = read_category(parts[0])
    return "" if says_nothing(category) or not any(map(str.isalpha, category)) else category


def first_magento_path(cell: str) -> str:
    """Magento's `Root/Men/Tops,Root/Gifts,Root` -> `Men > Tops`; the root is no category."""
    root = re.split(r"[/,]", cell, maxsplit=1)[0]
    for path in re.split(rf",(?={re.escape(root)}(?:[/,]|$))", cell):
        below_root = path.split("/")[1:]
        if below_root:
            return " > ".join(below_root)
    return root


CATEGORY_READERS: Mapping[str, Callable[[str], str]] = {
    name: remember_short(partial(first_category, read_category=read))
    for name, read in (
        ("plain", str),
        ("listed", first_listed_path),
        ("magento", first_magento_path),
    )
}
"""How a dialect's category cells are read."""
