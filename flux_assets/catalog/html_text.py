"""HTML and entities in a cell -> the plain text that a prompt can use."""

import html
import json
import re
from collections.abc import Iterator

from flux_assets.catalog.characters import without_controls, without_invisible
from flux_assets.catalog.directives import without_directives

# The parser's time grows with the square of the length on hostile markup, and a prompt takes a
# small part of this. What stands inside tags is not counted.
_MAX_MARKUP_CHARACTERS = 100_000
# How often a text may have been escaped, one time over the other.
_MAX_ROUNDS = 4
_TAG = re.compile(r"<[A-Za-z/!?]")
# Only with its semicolon: `&copy=1` in a URL is no entity.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Comments, declarations and office programs' `<![if ...]>`: BeautifulSoup warns of some and
# fails on others. Styles and scripts may be longer than all the text.
_NO_CONTENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)|<(style|script)\b[^>]*>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
# What is no part of the text around it: a drawing's title, what a player says where it cannot
# play, the words of a form, and the settings of Word.
_APART = re.compile(
    r"<(svg|video|audio|canvas|object|iframe|head|button|select|textarea|xml(?=>\s*<[a-z]:))>",
    re.IGNORECASE,
)
_UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")
_BLOCK = re.compile(
    r"<(?=/?(?:address|article|blockquote|br|dd|div|dl|dt|figure|h[1-6]|hr|li|ol|option|p|pre|"
    r"section|table|t[dhr]|ul)\b)",
    re.IGNORECASE,
)
# Tags that a text loses without any of it, so that nobody has to build a tree of them.
_PLAIN_TAG = re.compile(
    r"</?(?:p|div|span|b|strong|i|em|u|small|sub|sup|font|a|ul|ol|li|h[1-6]|table|thead|tbody|t[rdh]"
    r"|section|article|center|blockquote)>|<(?:br|hr|img)>",
    re.IGNORECASE,
)
_PLAIN_ENTITY = (
    r"(?-i:&(?:amp|lt|gt|quot|nbsp|[mn]dash|[lr][sd]quo|hellip|bull|[aouAOU]uml|szlig|#0?39);)"
)
_PLAIN_MARKUP = re.compile(rf"(?:[^<&]++|{_PLAIN_TAG.pattern}|{_PLAIN_ENTITY})*+", re.IGNORECASE)
_TAG_NAME = re.compile(r"</?[A-Za-z][^\s<>/\"'=]*")
_IN_TAG = re.compile(r"=\s*([\"'])|[<>]")
# As JSON and databases write a letter, a quotation mark and a slash.
_UNICODE = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+")
_ESCAPED = re.compile(r"\\(?=[\"'/])")
_DATA = (
    r"data:(?:[\w.+/-]{1,80}(?:;[\w.=-]{1,40}){0,4};base64,[A-Za-z0-9+/=_-]*"
    r"|image/[\w.+-]{1,40}(?:;[\w.=-]{1,40}){0,4},[^\s\"'<>()]*)"
)
_EMBEDDED = re.compile(rf"!\[[^\[\]]{{0,200}}\]\({_DATA}[^()]{{0,200}}\)|{_DATA}", re.IGNORECASE)


def plain_lines(cell: str) -> str:
    """Tags, scripts, styles, directives gone, entities decoded; blocks begin lines, lines stay."""
    if cell.isascii() and not is_marked(cell):
        return cell
    text = _unescape(cell) if "\\" in cell else cell
    for _ in range(_MAX_ROUNDS):
        if "<" in text and _TAG.search(text):
            text = _without_tags(text)
        elif "&" in text and _ENTITY.search(text):
            text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        else:
            break
    if "data:" in text:
        text = _EMBEDDED.sub(" ", text)
    return without_invisible(without_controls(without_directives(text)))


def is_marked(cell: str) -> bool:
    """Whether there may be anything in a cell that is no text."""
    return (
        "<" in cell
        or "&" in cell
        or "[" in cell
        or "{" in cell
        or "\\" in cell
        or ("%" in cell and "%%" in cell)
        or (":" in cell and "data:" in cell and (";base64," in cell or "data:image/" in cell))
        or not cell.isprintable()
    )


def _unescape(text: str) -> str:
    if text.lstrip()[:1] in {"[", "{"}:  # JSON, which is read as such
        return text
    return _ESCAPED.sub("", _UNICODE.sub(lambda it: json.loads(f'"{it[0]}"'), text))


def _without_tags(markup: str) -> str:
    if "<![CDATA[" in markup:
        markup = _CDATA.sub(r"\1", markup)
    text = "".join(_without_attributes(_NO_CONTENT.sub(" ", markup)))
    text = " ".join(_without_parts_apart(text))[:_MAX_MARKUP_CHARACTERS]
    text = _BLOCK.sub("\n<", _UNCLOSED.sub("&lt;", text))
    if _PLAIN_MARKUP.fullmatch(text):
        return html.unescape("".join(map(_shorten_blank, _PLAIN_TAG.split(text))))
    from bs4 import BeautifulSoup

    return BeautifulSoup(text, "html.parser").get_text()


def _without_parts_apart(markup: str) -> Iterator[str]:
    """The pieces of a text, whose tags have names only, between what is no part of it."""
    place = 0
    never_closed = set[str]()
    for opening in _APART.finditer(markup):
        name = opening[1].lower()
        if opening.start() < place or name in never_closed:
            continue
        closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(markup, opening.end())
        if closing is None:
            never_closed.add(name)
            continue
        yield markup[place : opening.start()]
        place = closing.end()
    yield markup[place:]


def _shorten_blank(text: str) -> str:
    """What a parser makes of blanks between two tags; any other text as it is."""
    if not text or text.strip(" \t\n\r\f"):
        return text
    return "\n" if "\n" in text else " "


def _without_attributes(markup: str) -> Iterator[str]:
    """The pieces of a text whose tags have names only; each character is looked at once."""
    place = 0
    never_closed = set[str]()
    while found := _TAG_NAME.search(markup, place):
        end = _find_tag_end(markup, found.end(), never_closed)
        is_closed = markup.startswith(">", end)
        yield markup[place : found.end() if is_closed else end]
        place = end
    yield markup[place:]


def _find_tag_end(markup: str, place: int, never_closed: set[str]) -> int:
    """Where a tag's `>` is, outside quotation marks; else where the next tag may begin."""
    while found := _IN_TAG.search(markup, place):
        quote = found[1]
        if not quote:
            return found.start()
        place = found.end()
        if quote not in never_closed:
            closing = markup.find(quote, place)
            if closing >= 0:
                place = closing + 1
            else:
                never_closed.add(quote)
    return len(markup)
