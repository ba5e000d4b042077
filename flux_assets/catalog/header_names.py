"""The names that a file's headers go by: as written, without qualifiers, without a language."""

import re
from collections.abc import Collection

from flux_assets.catalog.names import normalise_name, squash_name

# Amazon's `item_name[marketplace_id=A1][language_tag=en_US]#1.value`.
_QUALIFIER = re.compile(r"\[[^\]=]*=[^\]]*\]")
# What a template says of a column: `Title (required)`, `Status (active/draft)`, `SKU (max. 64)`.
_HINT = re.compile(
    r"\s*\((?:required|mandatory|optional|recommended|pflicht\w*|obligatoire|facultatif|obligatorio|"
    r"obbligatorio|opcional|verplicht|max[^()]*|[\w-]+(?:/[\w-]+)+)\)\s*\*?\Z",
    re.IGNORECASE,
)
_LANGUAGES = (
    "en|de|fr|es|it|nl|pl|pt|sv|da|nb|nn|fi|cs|ro|hu|ru|tr|ja|zh|ko|el|bg|hr|sk|sl|uk|et|lv|lt|ca"
)
# `name-en_US`, `description-en_US-ecommerce`, `name(en-gb)`, `name[de]`, `title_fr`, `name:en`.
_LOCALE_LAST = re.compile(
    rf"(?P<base>.+?)[-_.~: ]*[-_.~:([ ]"
    rf"(?P<locale>(?:{_LANGUAGES})(?:[-_][A-Za-z]{{2}})?)[)\]]?(?:-\w+)?",
    re.IGNORECASE,
)
_LOCALE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2})?")
_LOCALE_FIRST = re.compile(r"(?P<language>[A-Za-z]{2})_(?P<base>.+)")
_ENGLISH = re.compile(r"(?<![A-Za-z])(en|us|gb|uk)(?![A-Za-z])", re.IGNORECASE)


class HeaderNames:
    """Finds headers by a squashed name; of localised ones English goes first, else the file's.

    A name that begins with `{lang}` is that of headers that begin with a language's two letters,
    and one that begins with `{in brackets}` is what stands in a header's brackets, at its end.
    """

    def __init__(self, headers: Collection[str]) -> None:
        self._exact: dict[str, str] = {}
        self._localised: dict[str, list[str]] = {}
        self._locales: dict[tuple[str, str], str] = {}
        for header in headers:
            self._exact.setdefault(squash_name(header), header)
            plain = _HINT.sub("", _QUALIFIER.sub("", header))
            if plain != header:
                self._exact.setdefault(squash_name(plain), header)
            last = _LOCALE_LAST.fullmatch(header.strip())
            if last:
                self._localise(squash_name(last["base"]), header, last["locale"])
            first = _LOCALE_FIRST.fullmatch(normalise_name(header))
            if first:
                name = f"lang{squash_name(first['base'])}"
                self._localise(name, header, first["language"])
            self._name_by_brackets(header)
        for found in self._localised.values():
            found.sort(key=lambda header: not _ENGLISH.search(header.replace("_", "-")))

    def _name_by_brackets(self, header: str) -> None:
        """As ePages writes `Hauptprodukt [SuperProduct]`, and `Name/Deutsch [Name/de]`."""
        before, sign, inside = header.rstrip().removesuffix("]").rpartition("[")
        if not (sign and before.strip() and header.rstrip().endswith("]")):
            return
        base, _, locale = inside.rpartition("/")
        if base and _LOCALE.fullmatch(locale):
            self._localise(f"inbrackets{squash_name(base)}", header, locale)
        else:
            self._exact.setdefault(f"inbrackets{squash_name(inside)}", header)

    def _localise(self, name: str, header: str, locale: str) -> None:
        self._localised.setdefault(name, []).append(header)
        self._locales[name, header] = normalise_name(locale)

    @property
    def names(self) -> set[str]:
        """All names that they go by."""
        return {*self._exact, *self._localised}

    def has(self, name: str) -> bool:
        """Whether a header goes by this name, in whatever language."""
        return self.find(name) is not None or name in self._localised

    def find(self, name: str) -> str | None:
        """The first header of this very name, or that begins with it where it ends in `*`."""
        if name.endswith("*"):
            begun = (text for it, text in self._exact.items() if it.startswith(name[:-1]))
            return next(begun, None)
        return self._exact.get(name)

    def find_localised(self, name: str) -> list[str]:
        """The headers of this name in some language, English first."""
        return self._localised.get(name, [])

    def locale_of(self, name: str, header: str) -> str:
        """The locale that a header of this name is in, such as `en_us`; empty for none."""
        return self._locales.get((name, header), "")
