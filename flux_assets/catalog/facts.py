"""What each row says of its product's colour, material and options, and what all agree on."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from flux_assets.catalog.colors import only_color, read_colors
from flux_assets.catalog.dialects import load_dialects
from flux_assets.catalog.html_text import plain_lines
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.lists import join_values, spell_out
from flux_assets.catalog.names import squash_name
from flux_assets.catalog.nothing import says_no_value, says_nothing
from flux_assets.catalog.options import Texts
from flux_assets.catalog.repeated_cells import remember_short

Facts = dict[str, str]


def first_text(
    texts: Texts, keys: Iterable[str], is_nothing: Callable[[str], bool] = says_no_value
) -> str:
    """The first cell's text that says something, every white space one blank."""
    for key in keys:
        text = texts[key]
        if text and not is_nothing(text):
            return " ".join(text.split())
    return ""


def first_lines(texts: Texts, keys: Iterable[str]) -> str:
    """The first cell's text that says something, without HTML, with its line ends."""
    for key in keys:
        text = texts[key]
        if text and (lines := _read_value(text)):
            return lines
    return ""


@remember_short
def _read_value(text: str) -> str:
    if says_no_value(text):
        return ""
    lines = plain_lines(text)
    return "" if says_no_value(lines) else lines


def read_facts(texts: Texts, first: Texts, layout: Layout) -> Facts:
    """One row's colours, material, and options that have no column of their own.

    Args:
        texts: the row.
        first: its product's first row, which may name the options for all.
        layout: which columns there are, and how options are written.
    """
    facts: Facts = {}
    attributes: Mapping[str, str] = {}
    if options := layout.read_options(texts, first):
        plain = {name: plain_lines(value) for name, value in options.items()}
        attributes = _find_attributes(plain)
        facts = {name: _read_option(value) for name, value in plain.items() if layout.is_free(name)}
        for field in ("size", "pattern"):
            if field in attributes and field not in facts and layout.is_free(field):
                facts[field] = _read_option(attributes[field])
    for field, read in (("color", read_colors), ("material", join_values)):
        value = first_lines(texts, layout.fields[field])
        if not value and field not in layout.mapped:
            value = attributes.get(field, "")
        facts[field] = read(_without_label(value, field) if ":" in value else value)
    return facts


def _without_label(value: str, field: str) -> str:
    """A value without its own column's name in some language: `Color: Red`."""
    label, _, text = value.partition(":")
    is_label = load_dialects().attributes.get(squash_name(label)) == field
    return text.strip() if is_label else value


def agree_facts(facts: Sequence[Facts]) -> Facts:
    """What all of a product's rows agree on; what differs is empty, and so is a list of colours.

    One set of pictures must do for all variants.
    """
    agreed = dict(facts[0])
    if len(facts) > 1:
        values: defaultdict[str, set[str]] = defaultdict(set)
        for of_row in facts:
            for name, text in of_row.items():
                values[name].update([text] if text else [])
        agreed = {name: texts.pop() if len(texts) == 1 else "" for name, texts in values.items()}
    agreed["color"] = only_color(agreed["color"])
    return agreed


def _read_option(value: str) -> str:
    text = " ".join(value.split())
    return "" if says_nothing(text) else spell_out(text)


def _find_attributes(options: Mapping[str, str]) -> dict[str, str]:
    """What the options say of each attribute that has a name in some language; the first counts."""
    known = load_dialects().attributes
    found: dict[str, str] = {}
    for name, value in options.items():
        if value and (attribute := known.get(squash_name(name))):
            found.setdefault(attribute, value)
    return found
