"""JSON Lines, a JSON list of objects, or such a list as the one list of an object -> rows."""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

from flux_assets.catalog.characters import show_halves
from flux_assets.catalog.table import Row, Table
from flux_assets.catalog.text_encoding import Decoded
from flux_assets.errors import CatalogError

_BETWEEN = re.compile(r"[\s,]*")
_BLANK = re.compile(r"\s*")
_LIST_SIGN = "|"
_MAX_DEPTH = 5
_NEXT_LINE = re.compile(r"\n(?=\{)")
_DAMAGED = "the JSON of this line is damaged; write one whole object on each line"
# Numbers stay the text they are: 10.50 keeps its zero, a long id its digits.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda _: "")


def is_json(start: bytes) -> bool:
    """Whether a file that begins so can be JSON with objects in it."""
    return bool(re.match(rb'\{\s*["}]|\[\s*[\[{"\]]', start))


def read_json(decoded: Decoded, name: str) -> Table:
    """Read every object as a row; the header is all keys in their order.

    A list of plain values is one cell, parted by `|`; an object in an object gives a column for
    each of its keys, `size.width`. A row with a list of objects is a row that cannot be read.

    Raises:
        CatalogError: the text is no JSON, or has no list of objects.
    """
    try:
        objects = list(_find_objects(decoded.text, name))
    except json.JSONDecodeError as error:
        problem = f"the JSON is cut off or damaged here ({error.msg}); export it again"
        raise CatalogError(name, problem, line=_line(decoded.text, error.pos)) from error
    except RecursionError as error:
        raise CatalogError(name, "is JSON that is nested too deep for a catalog") from error
    if not objects:
        raise CatalogError(name, "is JSON without objects, no catalog; export the catalog again")
    header: dict[str, None] = {}
    read = []
    for line, found in objects:
        cells: dict[str, str] = {}
        problem = _DAMAGED if found is None else _flatten(found, "", cells, 1)
        header.update(dict.fromkeys(cells))
        read.append((line, cells, problem))
    names = tuple(header)
    rows = [
        Row(line, [cells.get(key, "") for key in names], problem) for line, cells, problem in read
    ]
    return Table(
        encoding=decoded.encoding,
        delimiter="",
        header=names,
        rows=rows,
        header_line=None,
        warnings=decoded.warnings,
        is_suspected=decoded.is_suspected,
    )


def _find_objects(text: str, name: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Every object with the line that it starts on; None for a line among others that is none."""
    start = _skip(_BLANK, text, 0)
    if text[start] == "[":
        end = yield from _walk(text, start + 1, name, closing="]")
        if text[end:].strip():
            raise json.JSONDecodeError("more after the list", text, end)
        return
    first, end = _DECODER.raw_decode(text, start)
    if _skip(_BETWEEN, text, end) < len(text):
        yield from _walk(text, start, name, closing="")
        return
    lists = [key for key, value in first.items() if _is_objects(value)]
    if lists:
        if len(lists) > 1:
            problem = f"is JSON with more than one list of objects ({_name(lists)})"
            raise CatalogError(name, f"{problem}; give a list of products")
        yield from _walk(text, _list_start(text, start, lists[0]), name, closing="]")
    elif any(isinstance(value, list | dict) for value in first.values()) or "error" in first:
        problem = f"is JSON, but an object without a list of objects ({_name(list(first))})"
        raise CatalogError(name, f"{problem}; give a list of products")
    elif first:
        yield _line(text, start), first


def _name(keys: list[str]) -> str:
    return show_halves(", ".join(keys[:10]))


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(it, dict) for it in value)


def _list_start(text: str, start: int, wanted: str) -> int:
    """Just behind the bracket of the list that is the last value of this key."""
    found, place = 0, _skip(_BLANK, text, start + 1)
    while text[place] != "}":
        key, place = _DECODER.raw_decode(text, place)
        place = _skip(_BLANK, text, _skip(_BLANK, text, place) + 1)
        if key == wanted:
            found = place + 1
        _, place = _DECODER.raw_decode(text, place)
        place = _skip(_BETWEEN, text, place)
    return found


def _walk(
    text: str, start: int, name: str, *, closing: str
) -> Generator[tuple[int, dict[str, Any] | None], None, int]:
    """Every object up to the closing bracket, or the end where there is none to come."""
    place, line, counted = start, 1, 0
    while (place := _skip(_BETWEEN, text, place)) < len(text):
        if closing and text[place] == closing:
            return place + 1
        line, counted = line + text.count("\n", counted, place), place
        try:
            found, place = _DECODER.raw_decode(text, place)
        except json.JSONDecodeError:
            following = None if closing else _NEXT_LINE.search(text, place)
            if following is None:
                raise
            place = following.end()
            yield line, None
            continue
        if not isinstance(found, dict):
            problem = "is JSON, but this is no object with the names of its columns"
            raise CatalogError(name, problem, line=line)
        yield line, found
    if closing:
        raise json.JSONDecodeError("the list has no end", text, len(text))
    return place


def _flatten(found: dict[str, Any], prefix: str, cells: dict[str, str], depth: int) -> str:
    """Put an object's texts into `cells`; what cannot be a cell is told."""
    for key, value in found.items():
        column = show_halves(f"{prefix}{key}")
        if isinstance(value, dict):
            if depth == _MAX_DEPTH:
                return f"{column!r} holds objects nested too deep for a column"
            problem = _flatten(value, f"{column}.", cells, depth + 1)
            if problem:
                return problem
        elif isinstance(value, list):
            if not all(isinstance(item, str | bool | None) for item in value):
                return f"{column!r} holds a list of objects, which is no cell; give plain values"
            cells[column] = _LIST_SIGN.join(filter(None, map(_show, value)))
        else:
            cells[column] = _show(value)
    return ""


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _skip(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
