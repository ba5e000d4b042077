"""A row's cells -> the texts that products have: plain, cleaned, and empty where they say nothing.

Most cells are plain already, and cost a look only.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flux_assets.catalog.decoration import undress, undress_title
from flux_assets.catalog.html_text import is_marked, plain_lines
from flux_assets.catalog.lists import spell_out
from flux_assets.catalog.nothing import says_no_value, says_nothing
from flux_assets.catalog.options import Texts

DEFAULT_TITLE_CHARACTERS = 150
"""The limit of Google Merchant; longer titles are lists of search words."""

_OPTION_NAMES = """
size color colour material pattern style finish fit shape texture fabric surface
größe groesse farbe muster taille couleur matière motif talla tamaño estampado taglia colore
materiale fantasia maat kleur materiaal patroon rozmiar kolor wzór tamanho cor padrão
storlek färg mönster størrelse farve mønster farge koko väri kuvio
"""
_OPTION_COLUMNS = frozenset(_OPTION_NAMES.split())
# What a template says where nobody has written anything yet.
_PLACEHOLDER = re.compile(r"lorem ipsum|pellentesque habitant morbi", re.IGNORECASE)
_AT_END = " ,;:|/&+(\u2013\u2014-"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRules:
    """What the shots file says of texts: the longest title, and whether `®` and `™` go."""

    max_title_characters: int = DEFAULT_TITLE_CHARACTERS
    strip_marks: bool = False


def read_lines(texts: Texts) -> Texts:
    """Every cell as plain text, with its line ends; one that is plain stays as it is."""
    row = "|".join(texts.values())
    if row.isascii() and not is_marked(row):
        return texts
    return {key: _read_lines(text) if text else text for key, text in texts.items()}


def _read_lines(text: str) -> str:
    return text if text.isascii() and not is_marked(text) else plain_lines(text)


def show_columns(texts: Texts, lines: Texts, keys: Mapping[str, str]) -> dict[str, str]:
    """The cells for templates, by their columns' names: as they are written, if they are plain."""
    shown = {
        column: "" if not (line := lines[key]) or says_nothing(line) else line
        for column, key in keys.items()
    }
    for column in _OPTION_COLUMNS.intersection(shown):
        shown[column] = spell_out(shown[column])
    if lines is not texts:
        for column, key in keys.items():
            if "<" in texts[key] or "&" in texts[key]:
                shown[column] = " ".join(shown[column].split())
    return shown


def read_title(lines: Texts, keys: Iterable[str], rules: TextRules) -> tuple[str, str, str]:
    """The title, which may be too long, the text of the cells where they say nothing, its key."""
    said = ""
    for key in keys:
        said = said or lines[key]
        title = undress_title(lines[key], strip_marks=rules.strip_marks)
        if not says_nothing(title) and title != "0":
            return title, title, key
    return "", " ".join(said.split()), ""


def cut_title(title: str, rules: TextRules) -> str:
    """A title of at most so many characters, whole words if it has any."""
    most = rules.max_title_characters
    if len(title) <= most:
        return title
    cut = title[: most + 1]
    words = cut[: cut.rindex(" ")] if " " in cut[most // 2 :] else cut[:most]
    return words.rstrip(_AT_END)


def read_description(lines: Texts, keys: Iterable[str], rules: TextRules) -> str:
    """The first description that says something."""
    for key in keys:
        if lines[key]:
            text = undress(lines[key], strip_marks=rules.strip_marks)
            if not says_no_value(text) and not _PLACEHOLDER.match(text):
                return text
    return ""
