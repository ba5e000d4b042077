"""How merchants dress a text up: marks, pictures and shouting, of which none is text."""

import re
from collections.abc import Iterator

from flux_assets.catalog.claims import (
    is_claim,
    may_have_price,
    without_asian_claims,
    without_discounts,
)
from flux_assets.catalog.trimming import trim_start

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
_TWICE = (
    "!!",
    "??",
    ",,",
    "**",
    "~~",
    "<<",
    ">>",
    "---",
    "....",
    "===",
    "___",
    "###",
    "|||",
    "+++",
)
_RULE = re.compile(r"[*=~_#<>|+\u00bb\u00ab]{3,}|[*~]{2}|<<|>>|-{3,}|\.{4,}")
# A long text has brackets and colons of its own. A sign of several letters is looked for only
# where one of them is there, which takes a tenth of the time.
_SIGNS = "*_`!%~|$#\\"
_LONG_SIGNS = (("?", "??"), ("-", "---"), ("=", "==="), ("]", "]("), ("/", "://"), (".", "www."))
_FURTHER_SIGNS = re.compile(rf"[\u00bb{_PICTURES}]")
_ASIAN = "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
_MAY_BE_DRESSED = re.compile(
    rf"[\\\\*_`!?%~=|$\u20ac\u00a3#\u00bb<>(\[\u3010:{_PICTURES}]|\n|[-.,]{{2}}| [-\u2013\u2014] "
    rf"|www|[{_ASIAN}]\s|\s[{_ASIAN}]"
)

# Signs between which a claim may stand, and those that part one from the rest at either end.
_EDGE = re.compile(rf"[!*~#=<>|\u00bb\u00ab\u203c{_PICTURES}]")
_EDGES = re.compile(rf"((?:{_EDGE.pattern}\s?)+)")
_PARTS = re.compile(r":\s|\s[|\u2013\u2014-]\s")
_LONGEST_CLAIM = 80
_BRACKETED = re.compile(r"[(\[\u3010]([^()\[\]\u3010\u3011]{1,60})[)\]\u3011]")
_CRIED = re.compile(r"\s((?:[A-Z]{3,}\s?){1,3})!+\s?\Z")
_SPANISH_CRY = re.compile(r"\u00a1([^\u00a1!\n]{1,60})!+")
# As some exporters write a line's end, and where a shop's page is.
_WRITTEN_END = re.compile(r"\\r\\n|\\[rnt](?![a-z])|\\n")
_ADDRESS = re.compile(r"\(?(?:\bhttps?://|\bwww\.)[^\s<>\"')]+\)?", re.IGNORECASE)
_LEFT_BEFORE = " !|:,;\u2013\u2014*"
_LEFT_AFTER = " |:,;\u2013\u2014*"
_BLANK_BEFORE = re.compile(r" (?=[!,;:](?: |$))")


def undress_title(text: str, *, strip_marks: bool = False) -> str:
    """A title without pictures, emphasis, shouting and claims of its price; on one line."""
    if strip_marks:
        text = _MARKS.sub("", text)
    if _MAY_BE_DRESSED.search(text) or may_have_price(text):
        text = _without_emphasis(text)
        text = _tidy(_without_shouts(text, is_title=True), text)
    return " ".join(text.split())


def undress(text: str, *, strip_marks: bool = False) -> str:
    """A description without Markdown's marks, pictures, shouting and claims of its price."""
    if strip_marks:
        text = _MARKS.sub("", text)
    if "\n" in text and len(_LINE_MARK.findall(text)) > 1:
        text = _HEADING_END.sub("", _LINE_MARK.sub("", text))
    elif text.startswith("#"):
        text = _LINE_MARK.sub("", text, count=1)
    if _may_be_dressed_up(text):
        text = _without_emphasis(text)
        text = _tidy(_without_shouts(text, is_title=False), text)
    return " ".join(text.split())


def _may_be_dressed_up(text: str) -> bool:
    if any(map(text.__contains__, _SIGNS)):
        return True
    if any(letter in text and sign in text for letter, sign in _LONG_SIGNS):
        return True
    if may_have_price(text):
        return True
    return not text.isascii() and _FURTHER_SIGNS.search(text) is not None


def _without_emphasis(text: str) -> str:
    if "\\" in text:
        text = _WRITTEN_END.sub("\n", text)
    if "](" in text:
        text = _LINK.sub(lambda link: "" if link[0].startswith("!") else link[1], text)
    if "`" in text:
        text = _CODE.sub(r"\1", text)
    if "*" in text or "_" in text:
        text = _BOLD.sub(lambda found: _unless_claim(found[2]), text)
        text = _EMPHASIS.sub(lambda found: _unless_claim(found[1] or found[2]), text)
    return text


def _unless_claim(text: str) -> str:
    return " " if is_claim(text) else text


def _without_shouts(text: str, *, is_title: bool) -> str:
    """Claims first, while the signs around them still stand."""
    if "://" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    if "\u00a1" in text:
        text = _SPANISH_CRY.sub(lambda found: " " if is_claim(found[1]) else found[0], text)
    if "(" in text or "[" in text or "\u3010" in text:
        text = _BRACKETED.sub(_unless_words, text)
    if text.endswith("!"):
        text = _CRIED.sub(lambda found: " " if is_claim(found[1]) else found[0], text)
    text = _without_claims_at_ends(text)
    if _EDGE.search(text):
        text = "".join(_without_claims(text))
    text = without_discounts(text, is_title=is_title)
    if not text.isascii():
        text = without_asian_claims(_PICTURE.sub(_as_times, text))
    if any(sign in text for sign in _TWICE):
        text = _REPEATED.sub(lambda found: found[1] or found[2], _RULE.sub(" ", text))
    return text


def _without_claims_at_ends(text: str) -> str:
    """Without `Sale:` before the text and `- SALE` after it."""
    first = _PARTS.search(text, 0, _LONGEST_CLAIM)
    if first and is_claim(text[: first.start()]):
        text = text[first.end() :]
    parts = list(_PARTS.finditer(text, max(0, len(text) - _LONGEST_CLAIM)))
    if parts and is_claim(text[parts[-1].end() :]):
        text = text[: parts[-1].start()]
    return text


def _without_claims(text: str) -> Iterator[str]:
    """The pieces of a text between signs, but for those that are claims only."""
    for place, piece in enumerate(_EDGES.split(text)):
        yield piece if place % 2 or not is_claim(piece) else " "


def _as_times(picture: re.Match[str]) -> str:
    return " \u00d7 " if picture[0].strip() in "\u2715\u2716" else " "


def _unless_words(found: re.Match[str]) -> str:
    """`(NEW)` is a shout and `(new)` a word."""
    claim = found[1]
    return " " if claim.upper() == claim and is_claim(claim) else found[0]


def _tidy(text: str, before: str) -> str:
    """Without the signs that stood around what is gone."""
    if text is before or text == before:
        return text
    words = re.sub(r"[(\[]\s*[)\]]", " ", " ".join(text.split()))
    words = _REPEATED.sub(lambda found: found[1] or found[2], _BLANK_BEFORE.sub("", words))
    words = trim_start(words, _LEFT_BEFORE).rstrip(_LEFT_AFTER)
    return words.removeprefix("- ").removesuffix(" -")
