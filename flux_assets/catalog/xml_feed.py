"""Product feeds in XML: Google's as RSS 2.0 or Atom 1.0, Heureka's and its kin, Yandex's YML."""

import codecs
import re
from collections.abc import Callable
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.expatreader import create_parser

from flux_assets.catalog.table import Row, Table
from flux_assets.catalog.text_encoding import Decoded
from flux_assets.errors import CatalogError

_DECLARED_ENCODING = re.compile(
    rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']", re.IGNORECASE
)
# Yandex's feeds name a document type that nobody needs; without a part of its own it is left out.
_YANDEX_DOCTYPE = re.compile(
    r"(\A\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--[^<>]*-->\s*)*)"
    r"(<!DOCTYPE\s+yml_catalog(?:\s+SYSTEM\s+(?:\"[^\"<>\[\]]*\"|'[^'<>\[\]]*'))?\s*>)"
)
_GOOGLE_NAMESPACE = "base.google.com"
_FEED_ROOTS = frozenset({"rss", "feed", "rdf"})
# What a product is called below each root.
_ITEMS = {
    **dict.fromkeys(_FEED_ROOTS, frozenset({"item", "entry"})),
    "shop": frozenset({"shopitem", "product", "item", "offer"}),
    "yml_catalog": frozenset({"offer"}),
    "offers": frozenset({"offer"}),
    "products": frozenset({"product", "item"}),
    "catalog": frozenset({"product", "item"}),
}
_PARAM, _PARAM_NAME, _PARAM_VALUE = "param", "param_name", "val"
_LIST_SIGN = "|"


def declared_encoding(start: bytes, name: str) -> str:
    """The encoding that an XML file names itself, or nothing.

    Raises:
        CatalogError: nobody knows that encoding.
    """
    declared = _DECLARED_ENCODING.match(start)
    if declared is None:
        return ""
    encoding = declared[1].decode("ascii").lower()
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        problem = f"cannot be read as XML (unknown encoding {encoding}); export as UTF-8"
        raise CatalogError(name, problem) from error
    return encoding


def parse_feed(decoded: Decoded, name: str) -> Table:
    """Read every item of a complete feed as a row; the header is all names that items use.

    Beside RSS and Atom, an item's attributes are columns too, a `param` is a column
    `param: <its name>`, a category is the path of names above its number, and what an item has
    more than once is parted by `|`.

    Args:
        decoded: the file's text.
        name: the file's name, for messages.

    Raises:
        CatalogError: the file is no complete feed, or defines entities.
    """
    text = _YANDEX_DOCTYPE.sub(lambda found: found[1] + "\n" * found[2].count("\n"), decoded.text)
    # Without name space handling, a feed that forgets to declare `g:` can be read like others.
    parser = create_parser(forbid_dtd=True)
    feed = _Feed(name, parser.getLineNumber)
    parser.setContentHandler(feed)
    try:
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        problem = "declares a document type or entities, which no product feed needs; remove them"
        raise CatalogError(name, problem) from error
    except SAXParseException as error:
        problem = f"the XML is cut off or damaged here ({error.getMessage()}); export it again"
        raise CatalogError(name, problem, line=error.getLineNumber()) from error
    except (SAXException, LookupError, ValueError) as error:
        raise CatalogError(name, f"cannot be read as XML ({error}); export as UTF-8") from error
    feed.name_categories()
    feed.name_models()
    header = tuple(feed.header)
    if not header and not feed.is_feed:
        raise CatalogError(name, _no_feed(feed.root))
    if not feed.items:
        raise CatalogError(name, "the feed has no items; export it again")
    return Table(
        encoding=decoded.encoding,
        delimiter="",
        header=header,
        rows=[Row(line, [item.get(name, "") for name in header]) for line, item in feed.items],
        warnings=decoded.warnings,
        is_feed=feed.is_feed,
        is_suspected=decoded.is_suspected,
    )


def _no_feed(root: str) -> str:
    return (
        f"is XML, but <{root}> is no RSS or Atom feed, nor one of Heureka or Yandex; export "
        "Google's feed, or CSV"
    )


class _Feed(ContentHandler):
    """Collects items as a parser meets them: line and texts by name."""

    def __init__(self, name: str, current_line: Callable[[], int]) -> None:
        super().__init__()
        self.items: list[tuple[int, dict[str, str]]] = []
        self.header: dict[str, None] = {}
        self.root = ""
        self.is_feed = False
        self._name = name
        self._current_line = current_line
        self._prefixes = {"g"}
        self._depth = 0
        self._item_depth = 0
        self._item: dict[str, str] = {}
        self._item_names: frozenset[str] = frozenset()
        self._attributes: set[str] = set()
        self._from_google: set[str] = set()
        self._text: list[str] = []
        self._param: dict[str, str] = {}
        self._categories: dict[str, tuple[str, str]] = {}
        self._category: tuple[str, str] | None = None

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX calls it so
        self._depth += 1
        for attribute, value in attrs.items():
            if attribute.startswith("xmlns:") and _GOOGLE_NAMESPACE in value:
                self._prefixes.add(attribute.removeprefix("xmlns:"))
        local = name.rpartition(":")[2].lower()
        if self._depth == 1:
            if local not in _ITEMS:
                raise CatalogError(self._name, _no_feed(name))
            self.root, self.is_feed, self._item_names = name, local in _FEED_ROOTS, _ITEMS[local]
        elif not self._item_depth:
            self._start_outside(local, attrs)
        elif self._depth == self._item_depth + 1:
            self._text = [attrs.get("href", "")] if local == "link" else []
            self._param = {_PARAM_NAME: attrs.get("name", ""), "unit": attrs.get("unit", "")}
        else:
            self._text.append(" ")
            if local in {_PARAM_NAME, _PARAM_VALUE}:
                self._text = []

    def _start_outside(self, local: str, attrs: AttributesImpl) -> None:
        if local in self._item_names:
            self._item_depth = self._depth
            self._item, self._from_google = {}, set()
            self.items.append((self._current_line(), self._item))
            if not self.is_feed:
                self._item.update((name, value.strip()) for name, value in attrs.items())
                self._attributes = set(attrs.keys())
                self.header.update(dict.fromkeys(attrs.keys()))
        elif local == "category" and "id" in attrs:
            self._category = (attrs["id"], attrs.get("parentId", ""))
            self._text = []

    def characters(self, content: str) -> None:
        if self._item_depth or self._category:
            self._text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX calls it so
        text = "".join(self._text).strip()
        if self._category and not self._item_depth:
            number, parent = self._category
            self._categories[number] = (text, parent)
            self._category = None
        elif self._depth == self._item_depth:
            self._item_depth = 0
        elif self._item_depth and self._depth == self._item_depth + 1:
            if self.is_feed:
                self._keep(name, text)
            else:
                self._keep_all(name, text)
        elif self._item_depth and name.lower() in {_PARAM_NAME, _PARAM_VALUE}:
            self._param[name.lower()] = text
        self._depth -= 1

    def _keep(self, name: str, text: str) -> None:
        """The first element of a name counts, and Google's own before one of RSS or Atom."""
        prefix, _, local = name.rpartition(":")
        from_google = prefix in self._prefixes
        column = local if from_google or not prefix else f"{prefix}_{local}"
        if column not in self._item or (from_google and column not in self._from_google):
            self._item[column] = text
            self.header[column] = None
        if from_google:
            self._from_google.add(column)

    def _keep_all(self, name: str, text: str) -> None:
        """Every element counts; a parameter goes by its own name."""
        if name.lower() == _PARAM and self._param[_PARAM_NAME]:
            value = self._param.get(_PARAM_VALUE, text)
            unit = self._param["unit"]
            self._add(f"param: {self._param[_PARAM_NAME]}", f"{value} {unit}".strip())
        else:
            self._add(name, text)

    def _add(self, column: str, text: str) -> None:
        self.header[column] = None
        known = "" if column in self._attributes else self._item.get(column, "")
        self._attributes.discard(column)
        self._item[column] = f"{known}{_LIST_SIGN}{text}" if known and text else known or text

    def name_categories(self) -> None:
        """Give each item whose category is a number of the feed's own list its path of names."""
        if not self._categories:
            return
        self.header["category"] = None
        for _, item in self.items:
            numbers = item.get("categoryId", "").split(_LIST_SIGN)
            path = self._path_of(numbers[0])
            if path:
                item["category"] = path

    def name_models(self) -> None:
        """Give Yandex's offers of a vendor's model the name that is shown: `Chair Nord Oslo`."""
        for _, item in self.items:
            if self.root == "yml_catalog" and item.get("model") and not item.get("name"):
                parts = (item.get(column, "") for column in ("typePrefix", "vendor", "model"))
                item["name"] = " ".join(filter(None, parts))
                self.header["name"] = None

    def _path_of(self, number: str) -> str:
        names: list[str] = []
        seen: set[str] = set()
        while number in self._categories and number not in seen:
            seen.add(number)
            text, number = self._categories[number]
            names.append(text)
        return " > ".join(reversed(names))
