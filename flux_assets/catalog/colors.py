"""Colours as cells write them -> words that a prompt can use; a code without a name is none."""

import re
from functools import cache, lru_cache

from flux_assets.catalog.lists import clean_values
from flux_assets.catalog.nothing import says_no_value

_SEVERAL = "\n"
"""Parts the colours of a list; a single colour has no line end."""

_FUNCTION = r"(?:rgb|hsl|hsv|hwb|lab|lch|oklab|oklch|cmyk)a?\([^()]*\)"
_HEX = r"#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b"
# Without its sign, six digits of which some are figures and some letters: `facade` is a word.
_BARE_HEX = r"\b(?:0x)?(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{6}\b"
_CODE = re.compile(rf"{_FUNCTION}|{_HEX}|{_BARE_HEX}", re.IGNORECASE)
_MAY_BE_CODE = re.compile(r"[#(0-9]")
_LISTED_CODE = re.compile(rf"({_FUNCTION})", re.IGNORECASE)
_LEFT_OVER = re.compile(r"^[\s:=,/()\[\]{}-]+|[\s:=,/(\[{-]+$|[(\[{]\s*[)\]}]")
# How far apart a code and its name may be in each of red, green and blue, from 0 to 255.
_VERY_NEAR = 4
_NUMBER = re.compile(r"[0-9]+%?")
# CSS writes these names as one word; a prompt's reader takes them for none.
_FIRST_WORD = re.compile(
    r"\b(?:alice|antique|blanched|burly|cadet|cornflower|corn(?=silk)|dark|deep|dim|dodger|floral"
    "|forest|ghost|goldenrod(?=y)|green(?=y)|hot|indian|lavender(?=b)|lawn|lemon|light|lime(?=g)"
    "|medium|midnight|mint|misty|navajo|old|olive(?=[dg])|orange(?=r)|pale|papaya|peach|powder"
    "|rebecca|rosy|royal|saddle|sandy|sea(?=g)|sky|slate|spring|steel|violet(?=r)|white(?=s)"
    "|yellow(?=g)|blue(?=v))(?=[a-z])"
)


@lru_cache(maxsize=4_096)
def read_colors(cell: str) -> str:
    """The colours that a cell names, each on a line of its own; empty where it names none."""
    listed = _LISTED_CODE.sub(_name_function, cell) if "(" in cell else cell
    named = (_name(value) for value in clean_values(listed))
    return _SEVERAL.join(dict.fromkeys(filter(None, named)))


def list_colors(colors: str) -> tuple[str, ...]:
    """Each of the colours that `read_colors` gave."""
    return tuple(colors.split(_SEVERAL)) if colors else ()


def only_color(colors: str) -> str:
    """The colour, where there is one; several variants' colours are no colour of the product."""
    return "" if _SEVERAL in colors else colors


@lru_cache(maxsize=4_096)
def _name(value: str) -> str:
    """A colour in words; empty for what says nothing and for a code or a number."""
    if says_no_value(value):
        return ""
    if not _MAY_BE_CODE.search(value) and not _CODE.search(value):
        return value
    words = _CODE.sub(" ", value)
    if words != value:
        if not any(map(str.isalpha, words)) or words.rstrip().endswith(":"):
            return _name_code(value)
        return " ".join(_LEFT_OVER.sub("", words).split())
    return value if any(map(str.isalpha, value)) else ""


def _name_function(found: re.Match[str]) -> str:
    return _name_code(found[0])


def _name_code(value: str) -> str:
    """CSS's name of the first code in a text, if that is very near; else none."""
    from PIL import ImageColor

    code = _CODE.search(value)
    text = code[0].casefold() if code else ""
    if text.startswith("rgb"):
        text = f"rgb({','.join(_NUMBER.findall(text)[:3])})"
    elif "(" not in text:
        text = "#" + text.removeprefix("0x").removeprefix("#")
    try:
        asked = ImageColor.getrgb(text)
    except ValueError:
        return ""
    near = {
        max(abs(one - other) for one, other in zip(asked[:3], rgb, strict=True)): name
        for name, rgb in reversed(_css_names().items())
    }
    nearest = min(near)
    return near[nearest] if nearest <= _VERY_NEAR else ""


@cache
def _css_names() -> dict[str, tuple[int, ...]]:
    from PIL import ImageColor

    # Of two names of one colour, the more usual one stands.
    usual = {"cyan": "aqua", "magenta": "fuchsia"}
    return {
        _part_words(name): ImageColor.getrgb(name)[:3]
        for name in ImageColor.colormap
        if name not in usual.values() and "grey" not in name
    }


def _part_words(name: str) -> str:
    """`darkslategray` -> `dark slate gray`."""
    parted = _FIRST_WORD.sub(r"\g<0> ", name)
    return name if parted == name else _part_words(parted)
