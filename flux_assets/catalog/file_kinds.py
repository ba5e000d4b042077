"""What a file is by its first bytes, and a clear refusal of what is no catalog."""

import re

from flux_assets.catalog.text_encoding import readable_start
from flux_assets.errors import CatalogError

ZIP_MARK = b"PK\x03\x04"
GZIP_MARK = b"\x1f\x8b"
OLD_OFFICE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UNPACK = "unpack it and give the file inside"
_GIVE_EXPORT = "give the shop's export"
_SAVE_AS_CSV = "save it as CSV"
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"PK\x05\x06", "a ZIP archive without a file", "export the catalog again"),
    (b"PK\x07\x08", "a ZIP archive in parts", _UNPACK),
    (b"\x89PNG", "a PNG picture", _GIVE_EXPORT),
    (b"\xff\xd8\xff", "a JPEG picture", _GIVE_EXPORT),
    (b"GIF8", "a GIF picture", _GIVE_EXPORT),
    (b"II*\x00", "a TIFF picture", _GIVE_EXPORT),
    (b"MM\x00*", "a TIFF picture", _GIVE_EXPORT),
    (b"%PDF", "a PDF document", "give the shop's export as CSV"),
    (b"{\\rtf", "an RTF document", "give the shop's export as CSV"),
    (b"PAR1", "a Parquet table", _SAVE_AS_CSV),
    (b"ARROW1", "an Arrow table", _SAVE_AS_CSV),
    (b"Obj\x01", "an Avro file", _SAVE_AS_CSV),
    (b"ORC", "an ORC table", _SAVE_AS_CSV),
    (b"SQLite format 3\x00", "an SQLite database", "export its table as CSV"),
    (b"MZ", "a program for Windows", _GIVE_EXPORT),
    (b"\x7fELF", "a program", _GIVE_EXPORT),
    (b"\xcf\xfa\xed\xfe", "a program for macOS", _GIVE_EXPORT),
    (b"bplist00", "a property list of macOS", _GIVE_EXPORT),
)
_MARKS_WITHIN = (
    (4, b"ftyp", "a picture or video", _GIVE_EXPORT),
    (8, b"WEBP", "a WebP picture", _GIVE_EXPORT),
    (257, b"ustar", "a tar archive", _UNPACK),
)
_NEEDS_BINARY = frozenset({b"MZ", b"ORC", b"BZh"})  # words could begin so too
_WEB_PAGE = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>]|table[\s>]|meta\s)",
    re.IGNORECASE | re.DOTALL,
)
_TABLE = re.compile(rb"<table[\s>]", re.IGNORECASE)
_OFFICE_XML = b"urn:schemas-microsoft-com:office:spreadsheet"


def check_kind(data: bytes, name: str) -> None:
    """Refuse what is plainly no catalog, saying what it is.

    Raises:
        CatalogError: the file is empty, or of a kind that is not read.
    """
    start = readable_start(data)
    if not start:
        raise CatalogError(name, "is empty; export the catalog again")
    for signature, kind, advice in _SIGNATURES:
        if data.startswith(signature) and (signature not in _NEEDS_BINARY or b"\0" in data[:512]):
            raise CatalogError(name, f"is {kind}, no catalog; {advice}")
    for place, mark, kind, advice in _MARKS_WITHIN:
        if data[place : place + len(mark)] == mark:
            raise CatalogError(name, f"is {kind}, no catalog; {advice}")
    if _OFFICE_XML in start:
        problem = "is a workbook in XML of Excel 2003; save it as .xlsx or CSV UTF-8"
        raise CatalogError(name, problem)
    if _WEB_PAGE.match(start):
        if _TABLE.search(data):
            problem = "is a web page with a table, whatever its name says; save it as .xlsx or CSV"
            raise CatalogError(name, problem)
        raise CatalogError(
            name,
            "is a web page, no catalog: probably an error or sign-in page that was saved in the "
            "export's place; export it again",
        )
