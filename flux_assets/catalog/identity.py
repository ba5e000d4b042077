"""Product ids: one way to write each, whatever a spreadsheet or an exporter did to it."""

import re
from collections.abc import Container, Iterable, Mapping

from flux_assets.catalog.characters import nfc, nfd, without_invisible
from flux_assets.catalog.nothing import says_nothing

# `="00123"` keeps a spreadsheet from reading a number.
_TEXT_FORMULA = re.compile(r'="(.*)"\s*', re.DOTALL)
# So does `'00125`; exporters put it before what would be a formula, `'-40-BOOT`.
_ESCAPED_ID = re.compile(r"'+(?=[=+\-@\d])")
_ESCAPED_TEXT = re.compile(r"'(?=[=+\-@])(?![=+\-@]\S*')")
# A feed's mark of plain text, where it was escaped as if it were some.
_CDATA = "<![CDATA[", "]]>"
_NO_IDS = frozenset(["n/a", "n.a.", "none", "null", "nil", "nan", "undefined", "(none)", "<na>"])
_SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+\d{1,3}")


def normalise_id(text: str) -> str:
    """The id as every file, table and command writes it: NFC, with visible characters only."""
    if not text.isascii() or not text.isprintable():
        text = nfc(without_invisible(text))
    return plain_id(text)


def plain_id(text: str) -> str:
    """The id without what keeps spreadsheets from reading a number, in the letters it has."""
    text = text.strip()
    if text[:1] in {"=", "'", "<"}:
        text = _unquote(text).strip()
        found = _ESCAPED_ID.match(text)
        text = text[found.end() :] if found else text
    return text


def names_nothing(text: str) -> bool:
    """Whether a cell for an id has none: signs only, or what programs write for no value.

    Words for nothing in a language may be an id: `DEFAULT`, `OHNE`.
    """
    if text.isalnum():
        return text.casefold() in _NO_IDS
    bare = text.strip().casefold()
    is_error = bare[:1] == "#" and says_nothing(bare)
    return is_error or bare in _NO_IDS or not any(map(str.isalnum, bare))


def names_no_other(text: str) -> bool:
    """Whether a cell for the id of a parent or a group has none; 0 is a database's word for it."""
    return names_nothing(text) or text.strip() == "0"


def first_id_key(texts: Mapping[str, str], keys: Iterable[str], groups: Container[str] = ()) -> str:
    """The first key whose cell names an id; none if no cell does. `groups` are those of groups."""
    for key in keys:
        text = texts[key]
        if not (names_no_other(text) if key in groups else names_nothing(text)):
            return key
    return ""


def list_former_ids(text: str, product_id: str) -> tuple[str, ...]:
    """The ids that earlier releases may have read where `product_id` is read now.

    They took a cell as it stands, and an exporter may have written it in either Unicode form.
    """
    former = text.strip()
    if former == product_id and former.isascii():
        return ()
    return tuple(
        dict.fromkeys(it for it in (former, nfd(product_id)) if it not in {"", product_id})
    )


def is_shortened(product_id: str) -> bool:
    """Whether a spreadsheet has cut digits off, as in `4.00638E+12`."""
    return _SHORTENED.fullmatch(product_id) is not None


def unescape_cell(text: str) -> str:
    """A text without what only keeps spreadsheets from reading a formula, or parsers markup.

    `'Tis the Season` keeps its apostrophe.
    """
    start = text[:1]
    if start == "'":
        return _ESCAPED_TEXT.sub("", text, count=1) if _ESCAPED_TEXT.match(text) else text
    return _unquote(text) if start in {"=", "<"} else text


def _unquote(text: str) -> str:
    if text.startswith(_CDATA[0]) and text.endswith(_CDATA[1]):
        return text[len(_CDATA[0]) : -len(_CDATA[1])]
    found = _TEXT_FORMULA.fullmatch(text)
    return found[1].replace('""', '"') if found else text
