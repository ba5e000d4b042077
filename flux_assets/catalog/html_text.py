"""HTML and entities in a cell -> the plain text that a prompt can use."""

import html
import re

# The parser's time grows with the square of the length on hostile markup, and a prompt takes a
# small part of this.
_MAX_MARKUP_CHARACTERS = 100_000
_TAG = re.compile(r"<[A-Za-z/!?]")
# Only with its semicolon: `&copy=1` in a URL is no entity.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Comments, declarations and office programs' `<![if ...]>`: BeautifulSoup warns of some and
# fails on others.
_NO_CONTENT = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)", re.DOTALL)
_UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")
_BLOCK = re.compile(
    r"<(?=/?(?:address|article|blockquote|br|dd|div|dl|dt|figure|h[1-6]|hr|li|ol|option|p|pre|"
    r"section|table|t[dhr]|ul)\b)",
    re.IGNORECASE,
)


def plain_text(cell: str) -> str:
    """Tags, scripts and styles gone, entities decoded, every white space one blank."""
    text = cell
    if "<" in text or "&" in text:
        if not _TAG.search(text):
            text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        if _TAG.search(text):
            text = _without_tags(text)
    return " ".join(text.split())


def _without_tags(markup: str) -> str:
    from bs4 import BeautifulSoup

    text = _NO_CONTENT.sub(" ", markup[:_MAX_MARKUP_CHARACTERS])
    text = _BLOCK.sub(" <", _UNCLOSED.sub("&lt;", text))
    return BeautifulSoup(text, "html.parser").get_text()
