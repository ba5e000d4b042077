"""The options that tell a product's variants apart, however a shop's export writes them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from flux_assets.catalog.dialect import OptionRule
from flux_assets.catalog.names import normalise_name, squash_name

Texts = Mapping[str, str]
# A row's texts and its product's first row's -> options by normalised name.
ReadOptions = Callable[[Texts, Texts], dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The columns that may name an option, and the one of its value."""

    names: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """A rule with the keys of this file's columns."""

    rule: OptionRule
    pairs: tuple[_Pair, ...]
    columns: tuple[tuple[str, str], ...]
    cells: tuple[str, ...]
    packed: re.Pattern[str]
    without: re.Pattern[str] | None

    def read(self, texts: Texts, first: Texts) -> Iterator[tuple[str, str]]:
        for pair in self.pairs:
            name = next(filter(None, (texts[key].strip() for key in pair.names)), "")
            if not name:
                name = next(filter(None, (first[key].strip() for key in pair.names)), "")
            if name:
                yield from self._part(name, texts[pair.value])
        for name, key in self.columns:
            yield name, texts[key]
        for key in self.cells:
            for found in self.packed.finditer(texts[key]):
                yield found["name"].strip(), found["value"].strip()

    def _part(self, name: str, value: str) -> Iterator[tuple[str, str]]:
        """One option, or each of several that stand in both cells in one order."""
        if not self.rule.parts:
            yield name, value
            return
        names, values = name.split(self.rule.parts), value.split(self.rule.parts)
        if len(names) == len(values):
            yield from zip(map(str.strip, names), map(str.strip, values), strict=True)

    def clean(self, value: str) -> str:
        if self.without:
            value = self.without.sub("", value)
        if self.rule.list_sign and self.rule.list_sign in value:
            value = ", ".join(map(str.strip, value.split(self.rule.list_sign)))
        return value


def bind_options(rules: Iterable[OptionRule], headers: Mapping[str, str]) -> ReadOptions:
    """How to read options from a file with these headers, which are by their keys."""
    bound = [
        _Bound(
            rule=rule,
            pairs=tuple(_find_pairs(rule.pairs, headers)) if rule.pairs else (),
            columns=tuple(
                (found["name"], key)
                for key in headers
                if rule.columns and (found := re.search(rule.columns, key))
            ),
            cells=tuple(key for key in headers if squash_name(key) in rule.cells),
            packed=re.compile(rule.packed, re.DOTALL),
            without=re.compile(rule.without) if rule.without else None,
        )
        for rule in rules
    ]
    bound = [it for it in bound if it.pairs or it.columns or it.cells]

    def read_options(texts: Texts, first: Texts) -> dict[str, str]:
        options: dict[str, str] = {}
        for it in bound:
            for written, value in it.read(texts, first):
                name = normalise_name(written)
                if it.rule.nothing and value.strip().casefold() == it.rule.nothing:
                    continue
                # What is said first counts, unless it says nothing.
                if not options.get(name):
                    options[name] = it.clean(value)
        return options

    return read_options


def pair_columns(rules: Iterable[OptionRule], headers: Mapping[str, str]) -> frozenset[str]:
    """The keys of the columns that name an option or its value, in pairs."""
    return frozenset(
        key
        for rule in rules
        if rule.pairs
        for pair in _find_pairs(rule.pairs, headers)
        for key in (*pair.names, pair.value)
    )


def _find_pairs(patterns: tuple[str, str], headers: Mapping[str, str]) -> Iterator[_Pair]:
    names: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    for key in headers:
        if found := re.search(patterns[0], key):
            names.setdefault(found["n"], []).append(key)
        elif found := re.search(patterns[1], key):
            values.setdefault(found["n"], key)
    for number, value in values.items():
        if number in names:
            # Etsy says `VARIATION 1 TYPE` and, if it is none of Etsy's own, `VARIATION 1 NAME`.
            keys = sorted(names[number], key=lambda key: "name" not in key)
            yield _Pair(names=tuple(keys), value=value)
