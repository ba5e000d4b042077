"""A file's bytes -> its text: in a certain encoding, in the one that is named, or in a guess."""

import codecs
import re
from dataclasses import dataclass
from itertools import islice

from flux_assets.catalog.cyrillic_letters import guess_cyrillic_page
from flux_assets.catalog.latin_letters import guess_latin_page, reads_as_western
from flux_assets.encodings import NAMES_ENCODING
from flux_assets.errors import CatalogError

_START_BYTES = 4096
_INVISIBLE_START = "\ufeff\u200b\u2060"
# The longer mark first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What programs write under a standard's name holds more letters than the standard.
_AS_WRITTEN = {
    "big5": "cp950",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
}
_SUSPECTS = (
    *("gb18030", "cp932", "big5", "cp949", "euc_jp", "cp1250", "cp1251", "cp1253", "cp1254"),
    *("cp1255", "cp1256", "cp1257", "cp1258", "cp437", "cp850", "cp866", "koi8_r", "mac_roman"),
)
_SAMPLE_BYTES = 100_000
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_ENOUGH_TO_BE_UTF8 = 4  # sequences that are no chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A file's text without byte order mark and NULs, and how it was found to be encoded.

    `is_suspected` says that the encoding is a guess at letters which nobody can be sure of.
    """

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()
    is_suspected: bool = False


def readable_start(data: bytes) -> bytes:
    """The first bytes without byte order mark, blanks and the NULs that UTF-16 puts between."""
    start = data[:_START_BYTES].replace(b"\0", b"")
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"):
        start = start.removeprefix(mark)
    return start.strip()


def decode_text(data: bytes, name: str, *, encoding: str = "", declared: str = "") -> Decoded:
    """Decode what is certain or named; else guess Windows-1252, or suspect another page.

    Args:
        data: the whole file.
        name: its name, for messages.
        encoding: what a person says that it is in; empty to find it.
        declared: what the file itself says.

    Raises:
        CatalogError: the bytes are not in that encoding, in none, or are no text at all.
    """
    certain = _certain(data)
    if encoding and certain and not _is_same(encoding, certain):
        problem = f"begins as {certain}, though {NAMES_ENCODING} says {encoding}; remove that"
        raise CatalogError(name, problem)
    if not encoding and declared and not certain:
        encoding = declared
    if encoding or certain:
        decoded = _decode_as(data, certain or encoding, name)
    else:
        decoded = _find(data, name)
    return _without_nuls(decoded, name)


def _certain(data: bytes) -> str:
    """The encoding that a byte order mark or the NULs between ASCII's letters prove."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    nuls = [data[place:_START_BYTES:4].count(0) for place in range(4)]
    if len(data) % 4 == 0 and min(nuls[1:]) and not nuls[0] and nuls[2] == nuls[3]:
        return "utf-32-le"
    if len(data) % 4 == 0 and min(nuls[:3]) and not nuls[3] and nuls[0] == nuls[1]:
        return "utf-32-be"
    even, odd = nuls[0] + nuls[2], nuls[1] + nuls[3]
    enough = max(3, min(len(data), _START_BYTES) * 0.05)
    if odd > enough and even <= odd * 0.1 and _decodes(data, "utf-16-le"):
        return "utf-16-le"
    if even > enough and odd <= even * 0.1 and _decodes(data, "utf-16-be"):
        return "utf-16-be"
    return ""


def _is_same(named: str, certain: str) -> bool:
    """Whether both are of one family: `utf-16` names each of its byte orders."""
    family = codecs.lookup(named).name
    return codecs.lookup(certain).name.startswith(family) or family.startswith(certain)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode_as(data: bytes, encoding: str, name: str) -> Decoded:
    page = codecs.lookup(encoding).name
    if page != "utf-8" and not page.startswith("utf") and _is_utf8(data):
        problem = f"is UTF-8, and not {encoding}; correct {NAMES_ENCODING}"
        raise CatalogError(name, problem)
    if page in _AS_WRITTEN and not _decodes(data, page):
        page = _AS_WRITTEN[page]
    try:
        text = data.decode(page)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"is not {encoding} here; export it as UTF-8, or name its encoding with "
        raise CatalogError(name, problem + NAMES_ENCODING, line=line) from error
    return Decoded(text=text, encoding=encoding)


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes beyond ASCII are UTF-8, and too many to be so by chance."""
    found = islice(_UTF8_SEQUENCE.finditer(data), _ENOUGH_TO_BE_UTF8)
    return sum(1 for _ in found) == _ENOUGH_TO_BE_UTF8 and _decodes(data, "utf-8")


def _find(data: bytes, name: str) -> Decoded:
    try:
        return Decoded(text=data.decode("utf-8"), encoding="utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if not data[: error.start].isascii() and _is_mixed(data):
            # A mixture would give garbled titles, and those would be paid for.
            problem = (
                "is utf-8 up to this line, which is not; export it as UTF-8, or, if it is in one "
                f"encoding all the same, name it with {NAMES_ENCODING}"
            )
            raise CatalogError(name, problem, line=line) from error
    if _decodes(data, "cp1252"):
        text = data.decode("cp1252")
        if reads_as_western(text):
            warning = (
                f"the file is not UTF-8 (line {line}) and was read as Windows-1252; check the "
                "letters beyond A to Z, or export it as UTF-8"
            )
            return Decoded(text=text, encoding="cp1252", warnings=(warning,))
    page = _suspect(data)
    if not page:
        problem = (
            "is in no encoding that is read (UTF-8, UTF-16, UTF-32, Windows-1252); export it as "
            f"UTF-8, or name its encoding with {NAMES_ENCODING}"
        )
        raise CatalogError(name, problem, line=line)
    return Decoded(text=data.decode(page), encoding=page, is_suspected=True)


def _is_mixed(data: bytes) -> bool:
    """Whether most of what is beyond ASCII is UTF-8 all the same."""
    rest = _UTF8_SEQUENCE.sub(b"", data)
    sequences = sum(1 for _ in _UTF8_SEQUENCE.finditer(data))
    return sequences >= sum(1 for _ in _NOT_ASCII.finditer(rest))


def _suspect(data: bytes) -> str:
    """The likeliest code page of letters that are not Windows-1252's; empty if there is none."""
    from charset_normalizer import from_bytes

    lines = (line for line in data.splitlines(keepends=True) if not line.isascii())
    sample = bytearray()
    for line in lines:
        sample += line
        if len(sample) > _SAMPLE_BYTES:
            break
    cyrillic = guess_cyrillic_page(bytes(sample))
    if cyrillic and _decodes(data, cyrillic):
        return cyrillic
    candidates = [page for page in _SUSPECTS if _decodes(data, page)]
    latin = guess_latin_page(bytes(sample))
    if latin and _decodes(data, latin):
        return latin
    if not candidates:
        return ""
    best = from_bytes(bytes(sample), cp_isolation=candidates).best()
    return best.encoding if best is not None and best.encoding in candidates else ""


def _without_nuls(decoded: Decoded, name: str) -> Decoded:
    start = decoded.text[:_START_BYTES]
    controls = sum(character < " " and character not in "\t\n\v\f\r" for character in start)
    if controls > len(start) * 0.3:
        raise CatalogError(name, "is a binary file, no catalog; give the shop's export as CSV")
    text, warnings = decoded.text.lstrip(_INVISIBLE_START), decoded.warnings
    if "\0" in text:
        warnings = (*warnings, f"{text.count(chr(0))} NUL characters were dropped")
        text = text.replace("\0", "")
    return Decoded(
        text=text,
        encoding=decoded.encoding,
        warnings=warnings,
        is_suspected=decoded.is_suspected,
    )
