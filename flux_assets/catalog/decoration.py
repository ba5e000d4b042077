"""How merchants dress a text up: marks, pictures and shouting, of which none is text."""

import re
from collections.abc import Iterator

from flux_assets.catalog.claims import is_claim, without_discounts

# Pictures, stars, boxes and pointers. A degree, a trade mark, a number sign and a diameter are
# signs that words stand beside.
_PICTURES = (
    "\u2190-\u21ff\u231a-\u231b\u2328\u23cf-\u23fa\u2500-\u25ff\u2600-\u27bf\u2934-\u2935"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\ufe0f\u20e3\U0001f000-\U0001faff"
)
_PICTURE = re.compile(rf"(?<=\d)\s?[\u2715\u2716]\s?(?=\d)|[{_PICTURES}]+")
_MARK = "[\u00ae\u2122\u00a9\u2120\u2117]"
_MARKS = re.compile(rf"\s?{_MARK}|\((?:R|C|TM|SM)\)")
_BOLD = re.compile(r"(\*\*\*|\*\*|__)(?=\S)([^\n]{1,400}?)(?<=\S)\1")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,200})(?<=\S)\*(?![\w*])"
    r"|(?<!\w)_(?=\S)([^_\n]{1,200})(?<=\S)_(?!\w)"
)
_LINK = re.compile(
    r"!?\[([^\[\]\n]*+)\]\((?:https?:|/|mailto:|tel:|#|www\.|\.)[^()\s]*+(?:\s++\"[^\"]*+\")?\)"
)
_LINE_MARK = re.compile(r"^[ \t]{0,12}(?:#{1,6}[ \t]+|[*+-][ \t]+|>[ \t]+)", re.MULTILINE)
_HEADING_END = re.compile(r"[ \t]#{1,6}[ \t]?$", re.MULTILINE)
_CODE = re.compile(r"`{1,3}([^`]{1,400})`{1,3}")
_REPEATED = re.compile(r"([!?])\1+|(,)\2+")
_RULE = re.compile(r"[*=~_#<>|+\u00bb\u00ab]{3,}|[*~]{2}|<<|>>|-{3,}|\.{4,}")
_DRESSED = re.compile(rf"[*_`!?%~=|$\u20ac\u00a3#\u00bb<(\[\u3010:{_PICTURES}]|[-.]{{3}}|\n|,,| [-\u2013\u2014] |EUR|USD|CHF")

# Signs between which a claim may stand, and those that part one from the rest at either end.
_EDGES = re.compile(rf"((?:[!*~#=<>|\u00bb\u00ab\u203c{_PICTURES}]\s?)+)")
_PARTS_FIRST = re.compile(r"\A([^:|\u2013\u2014-]{1,60}?-?[^:|\u2013\u2014-]{0,20})(?::|\s[\u2013\u2014-])\s")
_PARTS_LAST = re.compile(r"\s[\u2013\u2014-]\s([^\u2013\u2014]{1,60})\Z")
_BRACKETED = re.compile(r"[(\[\u3010]([^()\[\]\u3010\u3011]{1,60})[)\]\u3011]")
_BRACKET = re.compile("[(\\[\u3010]")
_CRIED = re.compile(r"\s((?:[A-Z]{3,}\s?){1,3})!+\s?\Z")
_LEFT_BEFORE = " !|:,;\u2013\u2014*"
_LEFT_AFTER = " |:,;\u2013\u2014*"
_BLANK_BEFORE = re.compile(r" (?=[!,;:](?: |$))")


def undress_title(text: str, *, strip_marks: bool = False) -> str:
    """A title without pictures, emphasis, shouting and claims of its price; on one line."""
    if strip_marks:
        text = _MARKS.sub("", text)
    if _DRESSED.search(text):
        text = _without_emphasis(text)
        text = _tidy(_without_shouts(text, is_title=True), text)
    return " ".join(text.split())


def undress(text: str, *, strip_marks: bool = False) -> str:
    """A description without Markdown's marks, pictures, shouting and claims of its price."""
    if strip_marks:
        text = _MARKS.sub("", text)
    if _DRESSED.search(text):
        if "\n" in text:
            text = _HEADING_END.sub("", _LINE_MARK.sub("", text))
        elif text.startswith("#"):
            text = _LINE_MARK.sub("", text, count=1)
        text = _without_emphasis(text)
        text = _tidy(_without_shouts(text, is_title=False), text)
    return " ".join(text.split())


def _without_emphasis(text: str) -> str:
    if "](" in text:
        text = _LINK.sub(lambda link: "" if link[0].startswith("!") else link[1], text)
    if "`" in text:
        text = _CODE.sub(r"\1", text)
    if "*" in text or "_" in text:
        text = _BOLD.sub(r"\2", text)
        text = _EMPHASIS.sub(lambda found: found[1] or found[2], text)
    return text


def _without_shouts(text: str, *, is_title: bool) -> str:
    """Claims first, while the signs around them still stand."""
    if _BRACKET.search(text):
        text = _BRACKETED.sub(_unless_words, text)
    text = _CRIED.sub(lambda found: " " if is_claim(found[1]) else found[0], text)
    text = "".join(_without_claims(text))
    text = without_discounts(text, is_title=is_title)
    text = _PICTURE.sub(lambda found: " \u00d7 " if found[0].strip() in "\u2715\u2716" else " ", text)
    return _REPEATED.sub(lambda found: found[1] or found[2], _RULE.sub(" ", text))


def _without_claims(text: str) -> Iterator[str]:
    """The pieces of a text between signs, but for those that are claims only."""
    if first := _PARTS_FIRST.match(text):
        text = text[first.end() :] if is_claim(first[1]) else text
    if last := _PARTS_LAST.search(text):
        text = text[: last.start()] if is_claim(last[1]) else text
    pieces = _EDGES.split(text)
    for place, piece in enumerate(pieces):
        if place % 2 or len(pieces) == 1 or not is_claim(piece):
            yield piece
        else:
            yield " "


def _unless_words(found: re.Match[str]) -> str:
    """`(NEW)` is a shout and `(new)` a word."""
    claim = found[1]
    return " " if claim.upper() == claim and is_claim(claim) else found[0]


def _tidy(text: str, before: str) -> str:
    """Without the signs that stood around what is gone."""
    words = " ".join(text.split())
    if words == " ".join(before.split()):
        return text
    words = re.sub(r"[(\[]\s*[)\]]", " ", words)
    words = _BLANK_BEFORE.sub("", words).lstrip(_LEFT_BEFORE).rstrip(_LEFT_AFTER)
    return words.removeprefix("- ").removesuffix(" -")
