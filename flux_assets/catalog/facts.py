"""What each row says of its product's colour, material and options, and what all agree on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from flux_assets.catalog.dialect import Dialect
from flux_assets.catalog.dialects import load_dialects
from flux_assets.catalog.html_text import plain_text
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.names import normalise_name, squash_name
from flux_assets.catalog.options import Texts

Facts = dict[str, str]

_NO_COLOR = "see product page"


def first_key(texts: Texts, keys: Iterable[str]) -> str:
    """The first key whose cell is not blank; none if all are."""
    for key in keys:
        if texts[key].strip():
            return key
    return ""


def first_text(texts: Texts, keys: Iterable[str]) -> str:
    """The first cell's text that is not blank, every white space one blank."""
    for key in keys:
        words = texts[key].split()
        if words:
            return " ".join(words)
    return ""


def read_facts(texts: Texts, first: Texts, layout: Layout) -> Facts:
    """One row's colour, material, and options that have no column of their own.

    Args:
        texts: the row.
        first: its product's first row, which may name the options for all.
        layout: which columns there are, and how options are written.
    """
    options = {
        normalise_name(name): plain_text(value)
        for name, value in layout.read_options(texts, first).items()
    }
    facts = {name: value for name, value in options.items() if layout.is_free(name)}
    for field in ("size", "pattern"):
        value = _find_option(options, field)
        if value and field not in facts and layout.is_free(field):
            facts[field] = value
    for field in ("color", "material"):
        value = plain_text(first_text(texts, layout.fields[field]))
        if not value and field not in layout.mapped:
            value = _find_option(options, field)
        facts[field] = "" if value.casefold() == _NO_COLOR else value
    return facts


def agree_facts(facts: Sequence[Facts], dialect: Dialect) -> Facts:
    """What all of a product's rows agree on; what differs is empty.

    One set of pictures must do for all variants.
    """
    agreed = dict(facts[0])
    if len(facts) > 1:
        values: defaultdict[str, set[str]] = defaultdict(set)
        for of_row in facts:
            for name, text in of_row.items():
                values[name].update([text] if text else [])
        agreed = {name: texts.pop() if len(texts) == 1 else "" for name, texts in values.items()}
    if dialect.lists_colors and "," in agreed["color"]:
        agreed["color"] = ""
    return agreed


def _find_option(options: Mapping[str, str], field: str) -> str:
    attributes = load_dialects().attributes
    for name, value in options.items():
        if value and attributes.get(squash_name(name)) == field:
            return value
    return ""
