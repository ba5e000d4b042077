"""A file's bytes -> its text, and a clear refusal of files that are no text."""

import re
from dataclasses import dataclass

from flux_assets.errors import CatalogError

_SAVE_AS_CSV = "open it in the spreadsheet program and save it as CSV UTF-8"
_UNPACK = "unpack it and give the file inside"
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", _SAVE_AS_CSV),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"\x89PNG", "a PNG picture", "give the shop's export"),
    (b"\xff\xd8\xff", "a JPEG picture", "give the shop's export"),
    (b"GIF8", "a GIF picture", "give the shop's export"),
    (b"%PDF", "a PDF document", "give the shop's export as CSV"),
    (b"PAR1", "a Parquet table", "save it as CSV"),
)
_START_BYTES = 4096
_WEB_PAGE = re.compile(rb"(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html[\s>])", re.IGNORECASE)
_DECLARED_ENCODING = re.compile(
    rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A file's text without byte order mark and NULs, and how it was found to be encoded."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def check_is_text(data: bytes, name: str) -> None:
    """Refuse what is plainly no catalog, saying what it is.

    Raises:
        CatalogError: the file is empty, binary, a web page or JSON.
    """
    start = _readable_start(data)
    if not start:
        raise CatalogError(name, "is empty; export the catalog again")
    for signature, kind, advice in _SIGNATURES:
        if data.startswith(signature):
            if kind == "a ZIP archive" and b"xl/" in data:
                raise CatalogError(name, f"is an Excel workbook, not CSV; {_SAVE_AS_CSV}")
            raise CatalogError(name, f"is {kind}, no catalog; {advice}")
    if start[:1] in {b"{", b"["}:
        raise CatalogError(name, "is JSON, no catalog; export it as CSV, TSV or Google's XML")
    if _WEB_PAGE.match(start):
        raise CatalogError(
            name,
            "is a web page, no catalog: probably an error or sign-in page that was saved in the "
            "export's place; export it again",
        )


def is_xml(data: bytes) -> bool:
    """Whether the file begins as XML does, in any encoding."""
    return _readable_start(data).startswith(b"<")


def declared_encoding(data: bytes) -> str:
    """The encoding that an XML file names itself, or nothing."""
    declared = _DECLARED_ENCODING.match(_readable_start(data))
    return declared[1].decode("ascii").lower() if declared else ""


def decode_text(data: bytes, name: str) -> Decoded:
    """Find the encoding: UTF-8, UTF-16, and only where neither can be, Windows-1252.

    Raises:
        CatalogError: the bytes are in none of them, or are no text at all.
    """
    warnings = []
    encoding = _detect(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if encoding != "utf-8" or not data[: error.start].isascii():
            # A mixture would give garbled titles, and those would be paid for.
            problem = f"is {encoding} up to this line, which is not; export it as UTF-8"
            raise CatalogError(name, problem, line=line) from error
        encoding = "cp1252"
        text = _decode_cp1252(data, name)
        warnings.append(
            f"the file is not UTF-8 (line {line}) and was read as Windows-1252; check the letters "
            "beyond A to Z, or export it as UTF-8"
        )
    start = text[:_START_BYTES]
    controls = sum(character < " " and character not in "\t\n\v\f\r" for character in start)
    if controls > len(start) * 0.3:
        raise CatalogError(name, "is a binary file, no catalog; give the shop's export as CSV")
    if "\0" in text:
        warnings.append(f"{text.count(chr(0))} NUL characters were dropped")
        text = text.replace("\0", "")
    return Decoded(text=text, encoding=encoding, warnings=tuple(warnings))


def _readable_start(data: bytes) -> bytes:
    """The first bytes without byte order mark, blanks and the NULs that UTF-16 puts between."""
    start = data[:_START_BYTES].replace(b"\0", b"")
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"):
        start = start.removeprefix(mark)
    return start.strip()


def _detect(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # Latin text in UTF-16 has a NUL as every second byte.
    even, odd = data[:_START_BYTES:2], data[1:_START_BYTES:2]
    if odd.count(0) > len(odd) * 0.7 and even.count(0) <= len(even) * 0.1:
        return "utf-16-le"
    if even.count(0) > len(even) * 0.7 and odd.count(0) <= len(odd) * 0.1:
        return "utf-16-be"
    return "utf-8"


def _decode_cp1252(data: bytes, name: str) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = "is in no encoding that is read (UTF-8, UTF-16, Windows-1252); export as UTF-8"
        raise CatalogError(name, problem, line=line) from error
