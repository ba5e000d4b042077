"""Google's product feeds in XML: RSS 2.0 and Atom 1.0, with or without a declared `g:`."""

from collections.abc import Callable
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.expatreader import create_parser

from flux_assets.catalog.table import Row, Table
from flux_assets.errors import CatalogError

_GOOGLE_NAMESPACE = "base.google.com"
_ROOTS = frozenset({"rss", "feed", "rdf"})
_ITEMS = frozenset({"item", "entry"})


def parse_feed(
    source: str | bytes, name: str, *, encoding: str, warnings: tuple[str, ...] = ()
) -> Table:
    """Read every item of a complete feed as a row; the header is all names that items use.

    Args:
        source: the file, as bytes where it declares its encoding.
        name: the file's name, for messages.
        encoding: as declared or detected.
        warnings: from finding the encoding.

    Raises:
        CatalogError: the file is no complete feed, or defines entities.
    """
    # Without name space handling, a feed that forgets to declare `g:` can be read like others.
    parser = create_parser(forbid_dtd=True)
    feed = _Feed(name, parser.getLineNumber)
    parser.setContentHandler(feed)
    try:
        parser.feed(source)
        parser.close()
    except DefusedXmlException as error:
        problem = "declares a document type or entities, which no product feed needs; remove them"
        raise CatalogError(name, problem) from error
    except SAXParseException as error:
        problem = f"the XML is cut off or damaged here ({error.getMessage()}); export it again"
        raise CatalogError(name, problem, line=error.getLineNumber()) from error
    except (SAXException, LookupError, ValueError) as error:
        raise CatalogError(name, f"cannot be read as XML ({error}); export as UTF-8") from error
    if not feed.items:
        raise CatalogError(name, "the feed has no items; export it again")
    header = tuple(feed.header)
    rows = [Row(line, [item.get(name, "") for name in header]) for line, item in feed.items]
    return Table(encoding=encoding, delimiter="", header=header, rows=rows, warnings=warnings)


class _Feed(ContentHandler):
    """Collects items as a parser meets them: line and texts by name."""

    def __init__(self, name: str, current_line: Callable[[], int]) -> None:
        super().__init__()
        self.items: list[tuple[int, dict[str, str]]] = []
        self.header: dict[str, None] = {}
        self._name = name
        self._current_line = current_line
        self._prefixes = {"g"}
        self._depth = 0
        self._item_depth = 0
        self._item: dict[str, str] = {}
        self._from_google: set[str] = set()
        self._text: list[str] = []

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX calls it so
        self._depth += 1
        for attribute, value in attrs.items():
            if attribute.startswith("xmlns:") and _GOOGLE_NAMESPACE in value:
                self._prefixes.add(attribute.removeprefix("xmlns:"))
        local = name.rpartition(":")[2].lower()
        if self._depth == 1 and local not in _ROOTS:
            raise CatalogError(
                self._name,
                f"is XML, but <{name}> is no RSS or Atom feed; export Google's feed, or CSV",
            )
        if not self._item_depth:
            if local in _ITEMS:
                self._item_depth = self._depth
                self._item, self._from_google = {}, set()
                self.items.append((self._current_line(), self._item))
        elif self._depth == self._item_depth + 1:
            self._text = [attrs.get("href", "")] if local == "link" else []
        else:
            self._text.append(" ")

    def characters(self, content: str) -> None:
        if self._item_depth:
            self._text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX calls it so
        if self._depth == self._item_depth:
            self._item_depth = 0
        elif self._item_depth and self._depth == self._item_depth + 1:
            self._keep(name, "".join(self._text).strip())
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
