"""In which code page letters read like those of a language written in Cyrillic.

No dictionary: half of a text are a dozen of its letters, a word is of one script, and a capital
stands at its start. In another page the same bytes are other letters.
"""

import re

_PAGES = ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866", "mac_cyrillic")
# Of Russian, Ukrainian, Bulgarian, Serbian and Macedonian: how much a letter speaks for them.
_WEIGHTS = {
    letter: weight
    for letters, weight in (
        ("оеаинтсрвлк", 3.0),
        ("мдпуяыьгзбчіј", 1.5),
        ("йхжшюцщё", 0.0),
        ("ъэфїєґљњћђџѓќѕў", -1.0),
    )
    for letter in letters
}
_NO_LETTER = -6.0
_LEAST = 1.6  # its own two titles come to 1.9, and those of Greek, Arabic or Korean to 1.4
_SMALL = "".join(_WEIGHTS)
_CAPITAL_IN_WORD = re.compile(f"(?<=[{_SMALL}])[{_SMALL.upper()}]")
_NAME = re.compile(rf"(?<!\w)[{_SMALL.upper()}][{_SMALL}]")
_OF_TWO_SCRIPTS = re.compile(r"[A-Za-z][^\W\d_a-zA-Z]|[^\W\d_a-zA-Z][A-Za-z]")
_TOLERATED_SHARE = 0.03  # of a letter too much in an English word


def guess_cyrillic_page(data: bytes) -> str:
    """The code page in which the letters are a Cyrillic language's; empty where there is none.

    There is none without a capital before small letters: Hebrew, which has neither, could be so.
    """
    scores = {page: _score(text) for page in _PAGES if (text := _decode(data, page))}
    best = max(scores, key=lambda page: scores[page], default="")
    return best if best and scores[best] >= _LEAST else ""


def _decode(data: bytes, page: str) -> str:
    try:
        return data.decode(page)
    except UnicodeDecodeError:
        return ""


def _score(text: str) -> float:
    """How much its letters speak for such a language, on average."""
    found = [character for character in text if character > "\x7f"]
    mixed = len(_OF_TWO_SCRIPTS.findall(text))
    if not _NAME.search(text) or mixed > _TOLERATED_SHARE * len(found):
        return _NO_LETTER
    told = sum(_WEIGHTS.get(letter.lower(), _NO_LETTER) for letter in found)
    return (told + _NO_LETTER * len(_CAPITAL_IN_WORD.findall(text))) / len(found)
