"""Whether letters read like those of one Latin-written language, in which code page they do.

No dictionary: each language has its letters, some letters have their places in a word, and signs
stand between words. Another code page's bytes break one of the three.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

_LETTERS = "À-ÖØ-öø-ÿŠšŽžŒœŸ"
# From its first letter or digit to its last, with all that is not ASCII in it.
_WORD = re.compile(r"(?<![0-9A-Za-z\x80-\U0010ffff])[0-9A-Za-z]*+(?:[^\x00-\x7f]++[0-9A-Za-z]*+)++")
_LETTER = re.compile(f"[{_LETTERS}]")
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "äöüßéàèô",  # German
        "àâçéèêëîïôœùûüñæ",  # French
        "áéíóúüñçàèòï",  # Spanish, Catalan
        "áâãàçéêíóôõúü",  # Portuguese
        "àèéìíîòóùú",  # Italian
        "éëïóöüáèêíúç",  # Dutch
        "æøåéäöüàêóòôè",  # Danish, Norwegian
        "åäöéàüèæø",  # Swedish, Finnish
        "áéíóúýðþæö",  # Icelandic
    )
)
# Where a letter stands in no western language's words; two signs are never all of one.
_ODD = re.compile(
    rf"""
      (?<=[a-zß-öø-ÿ])[À-ÖØ-ÞŠŽŸŒ](?![A-ZÀ-ÖØ-Þ])  # a capital after a small letter
    | [çÇ](?=[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z])
    | (?<!^)[ñÑ](?![aeiouáéíóúüAEIOUÁÉÍÓÚÜ])
    | [èÈ](?=[aeiouAEIOU]) | ^[èÈ](?=[a-zA-Z])
    | [ìÌùÙ](?=[a-zA-Z{_LETTERS}])
    | [òÒ](?=[aouAOU]) | ^[ìòùÌÒÙ](?=[a-zA-Z{_LETTERS}])
    | (?<![aeiouéAEIOUÉ])[ïÏëË]
    | [õÕ](?![eE])
    | [ãÃ](?![oeisOEIS]|$)
    | [œŒ](?![uiUI]) (?<!^[œŒ](?=[nsdNSD]))
    | [âêîôûÂÊÎÔÛ](?=[a-zA-Z{_LETTERS}]*[kwzKWZ]) | (?<=[kwzKWZ])[âêîôûÂÊÎÔÛ]
    | ^[Ââ](?![gmnptGMNPT])
    | (?<=[{_LETTERS}])[{_LETTERS}](?=[{_LETTERS}]{{2}})
    | (?<=[a-zA-Z{_LETTERS}])[^\x00-\x7f{_LETTERS}\xa0\xad·’‘´–—…·](?=[a-zA-Z{_LETTERS}])  # a sign
    | (?<=[a-z]{{2}})[–—](?=[a-z]{{1,2}}(?![a-z]))
    | (?<=[a-zA-LN-Z{_LETTERS}])(?<![cdk]m)(?<!m)[¹²³¼½¾]
    | [¹²³¼½¾](?=[a-zA-Z{_LETTERS}])
    | (?<=[a-zA-Z{_LETTERS}])[¿¡¤¦¬¯±¸µƒ×÷]
    | [¤¦¬¯¸ƒˆ˜†‡](?=[a-zA-Z{_LETTERS}])
    | [^\x00-\x7f{_LETTERS}\xa0“”„«»‚‘’…–—•®™©°]{{2}}
    """,
    re.VERBOSE,
)
# Portuguese ends few words in `ã`, and has its other letters beside them; Romanian ends most in the
# letter of the same byte.
_ENDS_IN_A_TILDE = re.compile("[ãÃ]$")
_PORTUGUESE = re.compile("[çõÇÕ]|[ãÃ][oesOES]")
_LETTERS_SET = frozenset("".join(map(chr, range(0xC0, 0x100))) + "ŠšŽžŒœŸ") - frozenset("×÷")
_ICELANDIC = frozenset("ýðþ")
_ONLY_WITH_ICELANDIC = frozenset("áíóúæ")
_TOLERATED_SHARE = 0.1  # names of other languages, in a large catalog
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíľĺňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")
_PAGES = (
    ("cp1254", ("çğıöşüâîûi",)),
    *((page, _CENTRAL) for page in ("cp1250", "iso8859_2")),
    ("cp1257", ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")),
    *((page, _ALPHABETS) for page in ("cp850", "mac_roman", "cp437")),
)
_SURE_SHARE = 0.03
_SIGN_IN_WORD = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f\xa0\xad·’](?=[^\W\d_])|[\xa6\xac](?=[^\W\d_])"
)


def reads_as_western(text: str) -> bool:
    """Whether the letters and signs beyond ASCII are those of one western language, but a tenth."""
    words = Counter(_WORD.findall(text))
    letters: Counter[str] = Counter()
    signs = odd = end_in_a_tilde = portuguese = 0
    for word, count in words.items():
        end_in_a_tilde += count * bool(_ENDS_IN_A_TILDE.search(word))
        portuguese += count * bool(_PORTUGUESE.search(word))
        found = _LETTER.findall(word)
        for letter in found:
            letters[letter.lower()] += count
        signs += count * sum(
            character not in _LETTERS_SET for character in word if character > "\x7f"
        )
        odd += count * len(_ODD.findall(word))
    total = sum(letters.values())
    foreign = _foreign(letters, _ALPHABETS)
    icelandic = sum(letters[letter] for letter in _ICELANDIC)
    if icelandic > sum(letters[letter] for letter in _ONLY_WITH_ICELANDIC):
        foreign = max(foreign, icelandic)
    odd += max(0, end_in_a_tilde - 3 * portuguese)
    odd += max(0, text.count("¿") - text.count("?")) + max(0, text.count("¡") - text.count("!"))
    return foreign + odd <= _TOLERATED_SHARE * (total + signs)


def guess_latin_page(data: bytes) -> str:
    """The code page in which the letters are one language's; empty where there is none."""
    shares = {}
    for page, alphabets in _PAGES:
        try:
            text = data.decode(page)
        except UnicodeDecodeError:
            continue
        found = [character for character in text if character > "\x7f"]
        letters = Counter(letter.lower()[0] for letter in found if letter.isalpha())
        odd = len(_SIGN_IN_WORD.findall(text)) + sum(not sign.isprintable() for sign in found)
        shares[page] = (_foreign(letters, alphabets) + odd) / max(1, len(found))
    best = min(shares, key=lambda page: shares[page], default="")
    return best if best and shares[best] <= _SURE_SHARE else ""


def _foreign(letters: Mapping[str, int], alphabets: Iterable[Collection[str]]) -> int:
    """How many letters are not the likeliest language's."""
    return min(
        sum(count for letter, count in letters.items() if letter not in alphabet)
        for alphabet in alphabets
    )
