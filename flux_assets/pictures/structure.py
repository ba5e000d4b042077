"""What a picture's bytes say of themselves, read without decoding them.

A decoder has limits of its own, on profiles, texts and what it knows of a format. Whether bytes
arrived whole follows from their structure alone: the chunks of a PNG (W3C PNG, 5), the markers of
a JPEG (ITU-T T.81, B), the size of a RIFF file, the boxes of an ISO file (ISO/IEC 14496-12).
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

Kind = Literal["PNG", "JPEG", "WEBP", "AVIF", "HEIC", "JPEG XL", "GIF", "BMP"]


class Structure(NamedTuple):
    """`essence` is the same picture without profiles, texts, EXIF and further pictures.

    Pictures of more than one frame keep the first; `is_whole` says that nothing is cut off, nor
    changed where the format has checksums.
    """

    kind: Kind
    is_whole: bool
    essence: bytes


_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_JPEG_START, _JPEG_SCAN, _JPEG_END, _JPEG_COMMENT = 0xD8, 0xDA, 0xD9, 0xFE
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_KEPT = frozenset({0xE0, 0xEE})  # JFIF's and Adobe's, which says what the colours are
_JXL_CODESTREAM, _JXL_BOX = b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def read_structure(data: bytes) -> Structure | None:
    """The structure of a picture; None for all else. Never raises."""
    for begins, read in _READERS:
        if data.startswith(begins):
            try:
                return read(data)
            except (struct.error, IndexError):  # a length stands beyond the end
                return None
    return _read_iso(data) if data[4:8] == b"ftyp" else None


def _read_png(data: bytes) -> Structure:
    whole = memoryview(data)
    kept = [whole[: len(_PNG)]]
    for name, start, end in _iterate_png_chunks(data):
        if zlib.crc32(whole[start + 4 : end - 4]) != _number(data, end - 4):
            break
        if name in _PNG_NEEDED:
            kept.append(whole[start:end])
        if name == b"IEND":
            return Structure("PNG", is_whole=True, essence=_join(kept, data))
    return Structure("PNG", is_whole=False, essence=data)


def _iterate_png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each whole chunk, and where it is."""
    start = len(_PNG)
    while start + 12 <= len(data):
        end = start + 12 + _number(data, start)
        if end > len(data):
            return
        yield data[start + 4 : start + 8], start, end
        start = end


def _read_jpeg(data: bytes) -> Structure:
    whole = memoryview(data)
    kept = [whole[:2]]
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker in _JPEG_ALONE:
            place += 2
            continue
        if marker == _JPEG_SCAN:
            is_whole = data.rfind(bytes((0xFF, _JPEG_END))) > place
            return Structure("JPEG", is_whole, _join([*kept, whole[place:]], data))
        end = place + 2 + struct.unpack_from(">H", data, place + 2)[0]
        is_extra = (0xE0 <= marker <= 0xEF and marker not in _JPEG_KEPT) or marker == _JPEG_COMMENT
        if not is_extra:
            kept.append(whole[place:end])
        place = end
    return Structure("JPEG", is_whole=False, essence=data)


def _join(parts: Sequence[memoryview], data: bytes) -> bytes:
    """Parts of `data`, in their order; itself where nothing is left out."""
    return data if sum(map(len, parts)) == len(data) else b"".join(parts)


def _read_riff(data: bytes) -> Structure | None:
    if data[8:12] != b"WEBP":
        return None
    size = struct.unpack_from("<I", data, 4)[0]
    return Structure("WEBP", 8 + size <= len(data), data)


def _read_iso(data: bytes) -> Structure | None:
    boxes = set(_iterate_boxes(data))
    size = _number(data, 0)
    brands = {data[place : place + 4] for place in range(8, min(size, 512), 4)}
    is_whole = {b"ftyp", b"mdat"} <= boxes and bool(boxes & {b"meta", b"moov"})
    if brands & _AVIF_BRANDS:
        return Structure("AVIF", is_whole, data)
    return Structure("HEIC", is_whole, data) if brands & _HEIC_BRANDS else None


def _iterate_boxes(data: bytes) -> Iterator[bytes]:
    """The name of each whole box of the first level."""
    place = 0
    while place + 8 <= len(data):
        size, name = _number(data, place), data[place + 4 : place + 8]
        if size == 1 and place + 16 <= len(data):
            size = struct.unpack_from(">Q", data, place + 8)[0]
        elif size == 0:  # it goes on to the end
            size = len(data) - place
        if size < 8 or place + size > len(data):
            return
        yield name
        place += size


def _read_gif(data: bytes) -> Structure:
    return Structure("GIF", data.rstrip(b"\0").endswith(b";"), data)


def _read_bmp(data: bytes) -> Structure | None:
    size = struct.unpack_from("<I", data, 2)[0]
    return Structure("BMP", is_whole=True, essence=data) if 26 < size == len(data) else None


def _read_jxl(data: bytes) -> Structure:
    return Structure("JPEG XL", is_whole=True, essence=data)  # of which nothing tells its length


def _number(data: bytes, place: int) -> int:
    return int(struct.unpack_from(">I", data, place)[0])


_READERS: tuple[tuple[bytes, Callable[[bytes], Structure | None]], ...] = (
    (_PNG, _read_png),
    (bytes((0xFF, _JPEG_START)), _read_jpeg),
    (b"RIFF", _read_riff),
    (b"GIF8", _read_gif),
    (b"BM", _read_bmp),
    (_JXL_CODESTREAM, _read_jxl),
    (_JXL_BOX, _read_jxl),
)
