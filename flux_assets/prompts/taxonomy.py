"""What kind of thing a product is, by Google's product taxonomy, and the scene that fits it."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

from flux_assets.catalog.product import Product

TAXONOMY_FILE = Path(__file__).with_name("taxonomy.yaml")
DEFAULT_SCENE = "default"
LEVELS = 2
"""Of a category's names that a template may use."""

_DEEPEST = 3

_GOOGLE_COLUMNS = ("google_product_category", "google_category", "product_category")
_KIND_COLUMNS = ("product_type", "type", "categories", "tags")
_LEVEL_SIGN = re.compile(r"\s*(?:>|\u203a|\u00bb|\u2192|/|\\|\||::|;|,)\s*")
_GOOGLE_SIGN = re.compile(r"\s*>\s*")
_TOKEN = re.compile(r"[^\W_]+")
_LONGEST_PHRASE = 4
_SHORTEST_INSIDE = 4  # of a compound's part: `*ring` would else find a category in `Spring`
_PLURALS = (("ies", "y"), ("es", ""), ("s", ""))
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_IGNORED_TYPES = frozenset({"simple", "variable", "configurable", "variation", "physical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One of Google's: its names from the top, its number, and the nearest scene.

    `narrows` are words by which it is chosen where the one above is known.
    """

    names: tuple[str, ...]
    number: str
    scene: str
    narrows: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """As Google writes it: `Apparel & Accessories > Shoes`."""
        return " > ".join(self.names)


def find_category(product: Product) -> Category | None:
    """The category of a product; None where nothing says which.

    Google's own number or path goes first, then the words of the shop's category, the nearest to
    the product first, then those of the title.
    """
    columns = product.columns
    google = next((columns[name] for name in _GOOGLE_COLUMNS if columns.get(name)), "")
    kinds = [columns.get(name, "") for name in _KIND_COLUMNS]
    kinds = [kind for kind in kinds if kind.lower() not in _IGNORED_TYPES]
    return _find(google, product.category, " > ".join(filter(None, kinds)), product.title)


def find_scene(category: Category | None, scenes: Mapping[str, str]) -> str:
    """What a lifestyle picture shows: goes on from "the product ...".

    Args:
        category: of the product.
        scenes: a shots file's own, by name, path or number of a category, or DEFAULT_SCENE.
    """
    taxonomy = read_taxonomy()
    if category is None:
        return scenes.get(DEFAULT_SCENE) or taxonomy.default
    for level in range(len(category.names), 0, -1):
        found = taxonomy.by_path[" > ".join(category.names[:level])]
        for name in (found.path, found.names[-1], found.number):
            if scenes.get(name):
                return scenes[name]
    return category.scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """The file, ready to be asked; words without accents, by what they stand for."""

    default: str
    by_path: Mapping[str, Category]
    by_number: Mapping[str, Category]
    narrower: Mapping[tuple[str, ...], Sequence[Category]]
    whole: Mapping[str, Category]
    beginnings: Mapping[str, Category]
    ends: Mapping[str, Category]
    inside: Mapping[str, Category]
    qualifiers: frozenset[str]

    def names(self) -> set[str]:
        """All that a shots file may call a category."""
        lasts = {category.names[-1] for category in self.by_path.values()}
        return {*self.by_path, *lasts, *self.by_number, DEFAULT_SCENE}


@cache
def read_taxonomy() -> Taxonomy:
    """Read the package's own file, once."""
    plain = yaml.safe_load(TAXONOMY_FILE.read_text("utf-8"))
    by_path: dict[str, Category] = {}
    words: dict[str, dict[str, Category]] = {
        kind: {} for kind in ("whole", "beginnings", "ends", "inside")
    }
    for row in plain["categories"]:
        names = tuple(row["name"].split(" > "))
        above = by_path.get(" > ".join(names[:-1]))
        scene = row.get("scene") or (above.scene if above else plain["default"])
        category = Category(
            names=names,
            number=str(row["id"]),
            scene=scene,
            narrows=frozenset(_fold(row.get("narrows", "")).split()),
        )
        by_path[row["name"]] = category
        for word in (*row["words"].split(","), names[-1]):
            kind = _kind_of(word.strip())
            words[kind].setdefault(_fold(word), category)
    narrower: dict[tuple[str, ...], list[Category]] = {}
    for category in by_path.values():
        if category.narrows:
            narrower.setdefault(category.names[:-1], []).append(category)
    return Taxonomy(
        default=plain["default"],
        by_path=by_path,
        narrower=narrower,
        by_number={category.number: category for category in by_path.values()},
        qualifiers=frozenset(_fold(plain["qualifiers"]).split()),
        **words,
    )


def _kind_of(word: str) -> str:
    if _CJK.search(word):
        return "inside"
    if word.endswith("*"):
        return "beginnings"
    return "ends" if word.startswith("*") else "whole"


@lru_cache(maxsize=1_000)  # the shots of one product follow each other
def _find(google: str, category: str, kinds: str, title: str) -> Category | None:
    for text in (google, category):
        found = _by_google(text)
        if found:
            return _narrowed(found, category, title)
    for text in (google, category, kinds):
        for name in reversed(_LEVEL_SIGN.split(text)):
            found = _by_words(name)
            if found:
                return _narrowed(found, category, title)
    return _narrowed(_by_words(title), category, title)


def _narrowed(found: Category | None, category: str, title: str) -> Category | None:
    """The title may say more of what is below the category, which itself has the last word."""
    if found is None:
        return None
    by_title = _by_words(title)
    if by_title and by_title.names[: len(found.names)] == found.names:
        found = by_title
    narrower = read_taxonomy().narrower.get(found.names)
    if narrower:
        words = {*_fold(category).split(), *_fold(title).split()}
        return next((it for it in narrower if words & it.narrows), found)
    return found


def _by_google(text: str) -> Category | None:
    """By a number, a path or both (`1604 - Apparel & Accessories > Clothing`), as deep as known."""
    taxonomy = read_taxonomy()
    number, _, rest = text.strip().partition(" - ")
    if number.isdecimal():
        found = taxonomy.by_number.get(number)
        if found or not rest:
            return found
        text = rest
    names = _GOOGLE_SIGN.split(text.strip())
    for level in range(min(_DEEPEST, len(names)), 0, -1):
        found = taxonomy.by_path.get(" > ".join(names[:level]))
        if found:
            return found
    return None


@lru_cache(maxsize=10_000)  # many products are of one category
def _by_words(text: str) -> Category | None:
    """The longest known words of a text; of equal ones the last, before what only qualifies."""
    taxonomy = read_taxonomy()
    if _CJK.search(text):
        inside = _fold(text)
        known = [word for word in taxonomy.inside if word in inside]
        if known:
            last = max(known, key=lambda word: (inside.rindex(word) + len(word), len(word)))
            return taxonomy.inside[last]
    tokens = _fold(text).split()
    of_head = _longest_known(_head(tokens, taxonomy.qualifiers), taxonomy)
    if of_head and len(of_head.names) >= LEVELS:
        return of_head
    return _longest_known(tokens, taxonomy) or of_head


def _longest_known(tokens: list[str], taxonomy: Taxonomy) -> Category | None:
    """What the longest phrase says; of equal ones the one that says more, then the last."""
    known = [
        (length, len(category.names), end, category.path)
        for length, end, category in _known_phrases(tokens, taxonomy)
    ]
    return taxonomy.by_path[max(known)[-1]] if known else None


def _head(tokens: list[str], qualifiers: frozenset[str]) -> list[str]:
    for place, token in enumerate(tokens):
        if place and token in qualifiers:
            return tokens[:place]
    return tokens


def _known_phrases(tokens: list[str], taxonomy: Taxonomy) -> Iterator[tuple[int, int, Category]]:
    """Each phrase that is known: how many words it has, where it ends, and what it says."""
    for start in range(len(tokens)):
        for length in range(1, min(_LONGEST_PHRASE, len(tokens) - start) + 1):
            words = tokens[start : start + length]
            category = _by_phrase(" ".join(words), taxonomy)
            if category:
                yield length, start + length, category


def _by_phrase(phrase: str, taxonomy: Taxonomy) -> Category | None:
    found = taxonomy.whole.get(phrase)
    for ending, instead in _PLURALS:
        if not found and phrase.endswith(ending):
            found = taxonomy.whole.get(phrase[: -len(ending)] + instead)
    if found or " " in phrase:
        return found
    for length in range(len(phrase), 2, -1):
        found = taxonomy.beginnings.get(phrase[:length])
        if not found and length >= _SHORTEST_INSIDE:
            found = taxonomy.ends.get(phrase[-length:])
        if found:
            return found
    return None


def _fold(text: str) -> str:
    """Words without case, accents or signs between them; other scripts keep their marks."""
    plain = _POSSESSIVE.sub("", text.casefold())
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(
        _TOKEN.findall(plain.replace("ø", "o").replace("ł", "l").replace("\u0131", "i"))
    )
