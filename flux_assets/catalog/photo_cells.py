"""A cell that names photos, however it lists and writes them -> the address of the first."""

import html
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flux_assets.catalog.characters import show_halves
from flux_assets.catalog.nothing import says_nothing

_EXTENSION = r"\.(?:jpe?g|jfif|png|webp|gif|tiff?|bmp|avif|heic|heif|svg)"
_NAMED = rf"[^,;|\s\"'<>?]+{_EXTENSION}(?=[?,;|\s]|$)"
_ADDRESS = r"(?:https?:|s3:|data:)?[/\\]{2}|data:image/|www\."
_LINE_END = re.compile(
    rf"[\r\n\v\f\x85\u2028\u2029]+|<br\s*/?>|(?:\\[rn])+(?={_ADDRESS})", re.IGNORECASE
)
# Before a full address all signs part, also in a query, which may hold every sign itself.
_SIGNS = r"\s,;|~^*+&#\u2022\uff0c\uff1b\u3001\uff5c"
_BEFORE_ADDRESS = re.compile(
    rf"(?<![{_SIGNS}])(?:[{_SIGNS}]+|\s+/\s+)(?={_ADDRESS})", re.IGNORECASE
)
# What programs write before and behind an address: `photo.jpg (https://...)`, `... ! alt : red`.
_LED_TO = re.compile(r"[^/\\?]*?(?=https?:[/\\]{2})", re.IGNORECASE)
_PHOTO = re.compile(
    rf"(https?:[^?#\s\"<>|]*?{_EXTENSION})(?=\.?\Z|[\s)\]}}\"'<>,;|~^*\uff0c\uff1b\u3001\uff5c]|::)",
    re.IGNORECASE,
)
_NAMES_PHOTO = re.compile(rf"[/\\]|{_EXTENSION}", re.IGNORECASE)
_QUERY_END = re.compile(r"\s+!\s|[\"<>]|\s\(")
# Names alone part where each has a photo's ending, as in `a.jpg, b.jpg`.
_BETWEEN_NAMES = re.compile(rf"^([^?]*?{_EXTENSION})[\s,;|]+(?={_NAMED})", re.IGNORECASE)
_BETWEEN_RELATIVE = re.compile(
    rf"^([^?]*?{_EXTENSION}\?[^\s,;|]*)[\s,;|]+(?={_NAMED})", re.IGNORECASE
)
_IS_ADDRESS = re.compile(_ADDRESS, re.IGNORECASE)
_AT_ENDS = (
    " \t,;|<>\"'`\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2018\u2019\u201a\u300c\u300d"
)
_AT_ENDS += "\u00a0\u200b\u200e\u200f\u2060\ufeff"
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_WRAPPED = (
    re.compile(r"^=\s*(?:HYPERLINK|IMAGE)\(\s*[\"']([^\"']+)", re.IGNORECASE),
    re.compile(r"!?\[[^\[\]]*\]\(([^)\s]+)"),
    re.compile(r"\burl\(\s*[\"']?([^)\"']+)", re.IGNORECASE),
)
_ATTRIBUTE = r"\b{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"
_ATTRIBUTES = tuple(
    re.compile(rf"(?<![\w-]){_ATTRIBUTE.format(name=name)}", re.IGNORECASE)
    for name in ("src", "data-src", "data-original", "srcset", "data-srcset", "href")
)
_TAG = re.compile(r"<\s*(?:img|source|picture|a|figure|p|div|span)\b", re.IGNORECASE)
_SRCSET = re.compile(r"(?<!\S)(\S+)\s+([0-9]+(?:\.[0-9]+)?)[wx](?=\s*(?:,|$))")
_JSON_KEYS = ("url", "src", "href", "link", "original", "full", "large", "path", "file", "image")
_NETWORK_NAME = re.compile(r"^\\\\(?![^\\]+\.[^\\]+\\)")
# How Wix names a picture of its own.
_WIX = re.compile(r"(?:wix:image://v1/)?([0-9a-f]{6}_[0-9a-f]{16,}~mv2[\w~.-]*)(?:/|\Z)")
_DRIVE_FILE = re.compile(r"/file/d/([\w-]+)")
_MAX_CHARACTERS = 100_000
_MAX_DEPTH = 8


def first_photo(cell: str) -> str:
    """The address of the first photo that a cell names; empty where it names none.

    A photo inside the cell itself (`data:...`) is taken only where there is no other, and only
    what kind it is. Share links of Google Drive and Dropbox become their direct form.

    Args:
        cell: as the export has it, markup included.
    """
    text = show_halves(cell.strip()[:_MAX_CHARACTERS])
    if "&" in text:
        for _ in range(2):  # some exporters escape twice
            text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    embedded = ""
    for address in _list_addresses(text):
        if not address.lower().startswith("data:"):
            return _direct(address)
        embedded = embedded or re.split(r"[;,]", address, maxsplit=1)[0]
    return embedded


def _list_addresses(text: str) -> Iterator[str]:
    if text[:1] + text[-1:] in {"[]", "{}"}:
        candidates = _from_json(text)
    else:
        candidates = _from_markup(text) or _split(text)
    has_address = any(map(_IS_ADDRESS.match, candidates))
    for candidate in candidates:
        address = _straighten(candidate)
        is_label = has_address and (address[-1:] == ":" or not _NAMES_PHOTO.search(address))
        if not is_label and not says_nothing(address):
            yield address


def _from_json(text: str) -> list[str]:
    for written in (text, text.replace("'", '"')):
        try:
            return [*_walk(json.loads(written), _MAX_DEPTH)]
        except (ValueError, RecursionError):
            continue
    return _split(text[1:-1])


def _walk(value: object, depth: int) -> Iterator[str]:
    """The texts of a list, and of each object the one that is the address."""
    if isinstance(value, str):
        yield show_halves(value)
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _walk(item, depth - 1)
    elif isinstance(value, dict) and depth:
        named = [value[key] for key in _JSON_KEYS if value.get(key)]
        for item in named[:1] or value.values():
            yield from _walk(item, depth - 1)


def _from_markup(text: str) -> list[str]:
    for pattern in _WRAPPED:
        found = pattern.search(text)
        if found:
            return [found[1]]
    values = []
    if _TAG.search(text):
        for attribute in _ATTRIBUTES:
            found = attribute.search(text)
            if found:
                value = next(filter(None, found.groups()), "")
                values.append(_largest(value) or value)
    elif _SRCSET.search(text):
        values.append(_largest(text))
    return values


def _largest(text: str) -> str:
    """Of `a.jpg 320w, b.jpg 640w`, the address of the widest."""
    sizes = [(float(size), address.lstrip(", ")) for address, size in _SRCSET.findall(text)]
    return max(sizes, key=lambda item: item[0])[1] if sizes else ""


def _split(text: str) -> list[str]:
    parts: list[str] = []
    for line in _LINE_END.split(text):
        for part in _BEFORE_ADDRESS.split(line):
            head, _, _ = part.partition("|")
            item = part if "?" in head else head or part
            found = _BETWEEN_NAMES.match(item)
            if not found and not _IS_ADDRESS.match(item):
                found = _BETWEEN_RELATIVE.match(item)
            parts.append(_cut(found[1] if found else item))
    return parts


def _cut(item: str) -> str:
    """A web address without the words that stand around it; anything else as it is."""
    before = _LED_TO.match(item)
    if before is None:
        return item
    address = _QUERY_END.split(item[before.end() :], maxsplit=1)[0]
    photo = _PHOTO.match(address)
    return photo[1] if photo else address


def _straighten(text: str) -> str:
    """One address as the web writes it; a network share or a disk's path stays what it is."""
    address = text.strip(_AT_ENDS)
    if _NETWORK_NAME.match(address):
        return address
    if "\\" in address:
        address = address.replace("\\/", "/").replace("\\", "/")
    if address.startswith("//"):
        return f"https:{address}"
    if found := _WIX.match(address):
        return f"https://static.wixstatic.com/media/{found[1]}"
    if address[:4].lower() == "www.":
        return f"https://{address}"
    return address


def _direct(address: str) -> str:
    """What a share link of Google Drive or Dropbox leads to; any other address as it is."""
    if "drive.google.com" not in address and "dropbox.com" not in address:
        return address
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").removeprefix("www.")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return address
    if host == "drive.google.com":
        found = _DRIVE_FILE.match(parts.path)
        is_file = parts.path in {"/open", "/uc", "/thumbnail"}
        file_id = found[1] if found else query.get("id", "") if is_file else ""
        return f"https://{host}/uc?export=download&id={file_id}" if file_id else address
    if host == "dropbox.com" and "raw" not in query and parts.path.startswith(("/s/", "/scl/fi/")):
        return urlunsplit(parts._replace(query=urlencode({**query, "dl": "1"})))
    return address
