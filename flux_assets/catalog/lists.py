r"""Cells that list several values, whatever parts them; `\,` is a comma, as WooCommerce writes it.

`Red/White` is one thing of two colours, and so is `Black and White`: no list.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from flux_assets.catalog.characters import without_controls
from flux_assets.catalog.claims import without_surcharge
from flux_assets.catalog.nothing import says_no_value, says_nothing

# None stands inside brackets, and no comma inside a number.
_SIGNS = r"|;\r\n\t\v\f\x85\u2028\u2029^\u2022\uff5c\uff1b\u3001\uff0c\u060c"
_PARTS_VALUES = re.compile(
    rf"(?:[{_SIGNS}]|::|~(?!\s?\d)|\\[rn]|(?<=\s)[/\u00b7](?=\s)|(?<!\\),(?!(?<=\d,)\d))+"
    r"(?![^()\[\]]*[)\]])"
)
_MAY_PART = re.compile(rf"[{_SIGNS},~]|::|\\[rn]|\s[/\u00b7]\s")
# As WordPress stores a list, `a:1:{i:0;s:4:"Wood";}`, and PostgreSQL, `{Wood,Steel}`.
_PHP_LIST = re.compile(r'a:\d+:\{(?:i:\d+;s:\d+:"[^"]*";)*\}')
_PHP_VALUE = re.compile(r's:\d+:"([^"]*)"')
_ARRAY = re.compile(r"\{[^{}:]+\}")
_ARRAY_VALUE = re.compile(r'"([^"]*)"|([^",]+)')
_LONGEST_JSON = 10_000
_SURCHARGE_ENDS = frozenset(")]")
# As a shop's own options are called inside: letters and digits joined by underscores.
_OPTION_CODE = re.compile(r"(?=[^_]*[^\W\d_])[^\W_]+(?:_+[^\W_]+)+")


def unwrap_list(cell: str) -> str:
    """A list in JSON, or as programs and databases write one, as lines; else the cell as it is."""
    text = cell.strip()
    if text[-1:] == "}":
        return _unwrap_stored(text, cell)
    if text[:1] != "[" or text[-1:] != "]" or len(text) > _LONGEST_JSON:
        return cell
    for written in (text, text.replace("'", '"')):
        try:
            values = json.loads(written)
        except (ValueError, RecursionError):
            continue
        if all(isinstance(value, str | int | float | None) for value in values):
            lines = "\n".join(str(value) for value in values if value is not None)
            return without_controls(lines)
    return cell


def _unwrap_stored(text: str, cell: str) -> str:
    if _PHP_LIST.fullmatch(text):
        return "\n".join(_PHP_VALUE.findall(text))
    if _ARRAY.fullmatch(text):
        return "\n".join(one or other for one, other in _ARRAY_VALUE.findall(text[1:-1]))
    return cell


def split_list(cell: str) -> list[str]:
    """Every value that a cell lists, in its order, blanks apart; one that is no list is one."""
    cell = unwrap_list(cell)
    if not _MAY_PART.search(cell):
        return [cell.strip()] if cell.strip() else []
    parts = _PARTS_VALUES.split(cell)
    return [value for part in parts if (value := part.replace("\\,", ",").strip())]


def clean_values(cell: str) -> tuple[str, ...]:
    """Every value once that says something, option codes as words."""
    return tuple(_each_once(map(spell_out, split_list(cell))))


@lru_cache(maxsize=4_096)
def join_values(cell: str) -> str:
    """The values of a cell as words: `Wool|Spandex` is `Wool, Spandex`."""
    return "" if says_no_value(cell) else ", ".join(clean_values(cell))


def spell_out(value: str) -> str:
    """An option without its surcharge, a code as words: `brushed_brass` is `brushed brass`."""
    if value[-1:] in _SURCHARGE_ENDS or "+" in value:
        value = without_surcharge(value) or value
    if "_" in value and _OPTION_CODE.fullmatch(value):
        return " ".join(value.replace("_", " ").split())
    return value


def _each_once(values: Iterable[str]) -> Iterator[str]:
    seen = set()
    for value in values:
        folded = value.casefold()
        if folded not in seen and not says_nothing(value):
            seen.add(folded)
            yield value
