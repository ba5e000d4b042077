"""The overrides file: CSV bytes -> what a person asks of single products and shots.

A shop's export overwrites columns of the catalog; this file is the shop's own, and kept as it is
written but for the takes that `raise_take` raises and the pins that `set_pin` sets.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flux_assets.catalog.identity import normalise_id
from flux_assets.catalog.names import normalise_name
from flux_assets.errors import OverridesError, ParameterError
from flux_assets.image_api.parameters import ParameterValue, parse_parameter
from flux_assets.image_api.request import FIRST_TAKE
from flux_assets.prompts.overrides_table import (
    COLUMNS,
    OverridesTable,
    Row,
    read_table,
    write_cells,
)

EVERY_SHOT = ""
"""The shot of a row whose `shot` is empty."""

_TRUTH = {
    **dict.fromkeys(("true", "yes", "1", "x"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}
# A search for near matches compares the whole catalog: 100,000 products take about a second.
_MAX_COMPARED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideProblem:
    """What in the file is not understood or leads nowhere: where it is and why."""

    line: int
    column: str
    product_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One row; what it leaves empty is None, or the empty text.

    `pin` is the start of a stored picture's fingerprint, in lower case. With a `problem`, the
    row is not to be followed in part.
    """

    line: int = 0
    take: int | None = None
    seed: int | None = None
    prompt: str = ""
    pin: str = ""
    skip: bool | None = None
    problem: OverrideProblem | None = None


NO_OVERRIDE = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesFile:
    """A whole overrides file, by product and shot; EVERY_SHOT stands for all shots."""

    overrides: Mapping[tuple[str, str], Override]
    problems: tuple[OverrideProblem, ...]

    @property
    def pins(self) -> Mapping[tuple[str, str], str]:
        """The fingerprint, or its start, that each pinned product and shot is to show."""
        return {identity: row.pin for identity, row in self.overrides.items() if row.pin}

    def find(self, product_id: str, shot: str) -> Override:
        """What holds for one product and shot: its own row over the one for every shot."""
        if not self.overrides:
            return NO_OVERRIDE
        own = self.overrides.get((product_id, shot), NO_OVERRIDE)
        every = self.overrides.get((product_id, EVERY_SHOT), NO_OVERRIDE)
        if every is NO_OVERRIDE:
            return own
        return Override(
            line=own.line or every.line,
            take=every.take if own.take is None else own.take,
            seed=every.seed if own.seed is None else own.seed,
            prompt=own.prompt or every.prompt,
            pin=own.pin,
            skip=every.skip if own.skip is None else own.skip,
            problem=own.problem or every.problem,
        )


NO_OVERRIDES = OverridesFile(overrides={}, problems=())


def read_overrides(data: bytes, name: str) -> OverridesFile:
    """Read an overrides file; an empty one overrides nothing.

    Args:
        data: the file's bytes: UTF-8, separated by commas, semicolons or tabs.
        name: what errors call the file.

    Raises:
        OverridesError: it is no such table.
    """
    return _build_overrides(read_table(data, name))


def check_known(
    overrides: OverridesFile, product_ids: Collection[str], shots: Collection[str]
) -> tuple[OverrideProblem, ...]:
    """Find the rows whose product or shot there is not, with what is near it."""
    known = {"product_id": set(product_ids), "shot": set(shots)}
    compared = dict.fromkeys(known, 0)

    def describe(column: str, value: str) -> str:
        near: list[str] = []
        if compared[column] < _MAX_COMPARED:
            compared[column] += len(known[column])
            near = difflib.get_close_matches(value, known[column])
        return f"there is no {column} {value!r}" + (f"; near it: {', '.join(near)}" if near else "")

    return tuple(
        OverrideProblem(
            line=row.line,
            column=column,
            product_id=product_id,
            message=describe(column, value),
        )
        for (product_id, shot), row in overrides.overrides.items()
        for column, value in (("product_id", product_id), ("shot", shot))
        if value not in known[column] and value != EVERY_SHOT
    )


def raise_take(
    data: bytes | None,
    name: str,
    *,
    product_id: str,
    shot: str,
    takes: int = 1,
    words: str = "",
    seed: int | None = None,
) -> bytes:
    """Ask for another picture: the file with this product's and shot's take so much higher.

    A row or column is added where there is none. The row loses its pin, which would keep the new
    picture from ever being shown; every other cell stays as it is written.

    Args:
        data: the file's bytes; None where there is no file yet.
        name: what errors call the file.
        product_id: the product.
        shot: the shot's name.
        takes: how many takes further; 0 where other words or another seed make it another.
        words: the prompt from now on; the one of now where there are none.
        seed: the seed from now on; the one of now where there is none.

    Raises:
        OverridesError: it is no such table, or what it says of this product and shot cannot be
            used.
    """
    product_id = normalise_id(product_id)
    table = read_table(data or b"", name)
    current = _build_overrides(table).find(product_id, shot)
    if current.problem:
        raise OverridesError(name, current.problem.message, line=current.problem.line)
    cells = {"pin": ""}
    if takes:
        cells["take"] = str((current.take or FIRST_TAKE) + takes)
    if words:
        cells["prompt"] = words
    if seed is not None:
        cells["seed"] = str(seed)
    return write_cells(table, (product_id, shot), cells)


def set_pin(data: bytes | None, name: str, *, product_id: str, shot: str, pin: str) -> bytes:
    """Keep one certain picture: the file with this pin, or with none where it is empty.

    A row or column is added where there is none; every other cell stays as it is written.

    Raises:
        OverridesError: it is no such table.
    """
    table = read_table(data or b"", name)
    return write_cells(table, (normalise_id(product_id), shot), {"pin": pin})


def _build_overrides(table: OverridesTable) -> OverridesFile:
    overrides: dict[tuple[str, str], Override] = {}
    problems = list(_check_header(table))
    for row in table.rows:
        product_id, shot = table.identity(row)
        values, found = _parse_row(table, row)
        override = Override(line=row.line, **values)
        earlier = overrides.get((product_id, shot))
        if earlier:
            message = f"line {earlier.line} is about the same product and shot; keep one of them"
            override, found = earlier, [_problem(table, row, "product_id", message)]
        problems += found
        if found:
            override = replace(override, problem=override.problem or found[0])
        if product_id:
            overrides[product_id, shot] = override
    return OverridesFile(overrides=overrides, problems=tuple(problems))


def _check_header(table: OverridesTable) -> Iterator[OverrideProblem]:
    """Any further column is the shop's own, but `skp` would buy what nobody wants."""
    absent = [column for column in COLUMNS if column not in table.columns]
    for cell in table.header.cells:
        near = difflib.get_close_matches(normalise_name(cell), absent, n=1, cutoff=0.75)
        if near:
            yield OverrideProblem(
                line=table.header.line,
                column=cell.strip(),
                product_id="",
                message=f"the column is not read; did you mean {near[0]}?",
            )


def _parse_row(table: OverridesTable, row: Row) -> tuple[dict[str, Any], list[OverrideProblem]]:
    """The values that a row gives, by the fields of Override, and what is wrong with others."""
    if any(map(str.strip, row.cells[len(table.header.cells) :])):
        message = "more cells than columns; a prompt that holds the separator stands in quotes"
        return {}, [_problem(table, row, "", message)]
    values: dict[str, Any] = {}
    problems = []
    product_id, shot = table.identity(row)
    if not product_id:
        problems.append(_problem(table, row, "product_id", "product_id is empty"))
    for column, parse in _PARSERS.items():
        text = table.cell(row, column)
        try:
            if text:
                values[column] = parse(text)
        except ValueError as error:
            problems.append(_problem(table, row, column, str(error)))
    if "pin" in values and shot == EVERY_SHOT:
        del values["pin"]
        problems.append(_problem(table, row, "pin", "a pin is for one shot; name it"))
    return values, problems


def _problem(table: OverridesTable, row: Row, column: str, message: str) -> OverrideProblem:
    product_id, _ = table.identity(row)
    return OverrideProblem(line=row.line, column=column, product_id=product_id, message=message)


def _parse_take(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"take is {text!r}; it is a whole number, 1 or more")
    return int(text)


def _parse_seed(text: str) -> ParameterValue:
    try:
        return parse_parameter("seed", text)
    except ParameterError as error:
        raise ValueError(str(error)) from error


def _parse_pin(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{8,64}", text):
        raise ValueError(
            f"pin is {text!r}; it is the fingerprint of a stored picture, or its first digits, "
            "8 to 64 of 0-9 and a-f"
        )
    return text.lower()


def _parse_skip(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise ValueError(f"skip is {text!r}; it is one of {', '.join(_TRUTH)}")
    return _TRUTH[text.lower()]


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "take": _parse_take,
    "seed": _parse_seed,
    "prompt": str,
    "pin": _parse_pin,
    "skip": _parse_skip,
}
