"""The XMP packets and C2PA manifests in a picture's bytes, found without decoding it.

Where each format keeps them: JPEG: XMP specification part 3, 1.1.3, and C2PA 2.4, A.3; PNG: its
iTXt and caBX chunks; WebP: RIFF chunks; AVIF: ISO/IEC 14496-12, items of a `meta` box.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

from flux_assets.pictures.structure import read_structure

_PNG_START, _PNG_KEYWORD = 8, b"XML:com.adobe.xmp"
_JPEG_XMP, _JPEG_APP1, _JPEG_APP11, _JPEG_SCAN = b"http://ns.adobe.com/xap/1.0/\0", 0xE1, 0xEB, 0xDA
_XMP_MEDIA_TYPE = b"application/rdf+xml"
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_MOST_BYTES = 1_000_000
"""More than that unpacks to no packet that is worth reading."""

_Box = tuple[bytes, bytes]
"""A box's name, and what is in it."""


def find_packets(data: bytes) -> Iterator[bytes]:
    """Every XMP packet of a JPEG, PNG, WebP or AVIF, as far as it is whole."""
    with suppress(struct.error, IndexError, zlib.error):  # a length stands beyond the end
        yield from _find_parts(data, xmp=True)


def has_c2pa(data: bytes) -> bool:
    """Whether a picture carries a C2PA manifest; whose, and whether it is true, is not asked."""
    with suppress(struct.error, IndexError, zlib.error):
        return any(True for _ in _find_parts(data, xmp=False))
    return False


def _find_parts(data: bytes, *, xmp: bool) -> Iterator[bytes]:
    structure = read_structure(data)
    kind = structure.kind if structure else ""
    if kind == "JPEG":
        yield from _in_jpeg(data, xmp=xmp)
    elif kind == "PNG":
        for name, body in _iterate_png(data):
            if xmp and name == b"iTXt":
                yield from _read_itxt(body)
            elif not xmp and name == b"caBX" and b"c2pa" in body:
                yield body
    elif kind == "WEBP":
        wanted = b"XMP " if xmp else b"C2PA"
        yield from (body for name, body in _iterate_riff(data) if name == wanted)
    elif kind == "AVIF":
        boxes = list(_iterate_boxes(data))
        if xmp:
            yield from _in_avif(data, boxes)
        else:
            yield from (it for name, it in boxes if name == b"uuid" and it[:16] == _C2PA_UUID)


def _in_jpeg(data: bytes, *, xmp: bool) -> Iterator[bytes]:
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker == _JPEG_SCAN:
            return
        end = place + 2 + struct.unpack_from(">H", data, place + 2)[0]
        body = data[place + 4 : end]
        if xmp and marker == _JPEG_APP1 and body.startswith(_JPEG_XMP):
            yield body[len(_JPEG_XMP) :]
        elif not xmp and marker == _JPEG_APP11 and body[:2] == b"JP" and b"c2pa" in body:
            yield body
        place = end


def _iterate_png(data: bytes) -> Iterator[_Box]:
    place = _PNG_START
    while place + 12 <= len(data):
        length = struct.unpack_from(">I", data, place)[0]
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += 12 + length


def _read_itxt(body: bytes) -> Iterator[bytes]:
    keyword, _, rest = body.partition(b"\0")
    if keyword != _PNG_KEYWORD or len(rest) < 2:
        return
    text = rest[2:].split(b"\0", 2)[2]  # behind a language and the keyword in it
    yield zlib.decompressobj().decompress(text, _MOST_BYTES) if rest[0] else text


def _iterate_riff(data: bytes) -> Iterator[_Box]:
    place = 12
    while place + 8 <= len(data):
        length = struct.unpack_from("<I", data, place + 4)[0]
        yield data[place : place + 4], data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _iterate_boxes(data: bytes) -> Iterator[_Box]:
    place = 0
    while place + 8 <= len(data):
        size, head = struct.unpack_from(">I", data, place)[0], 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, place + 8)[0], 16
        elif size == 0:  # it goes on to the end
            size = len(data) - place
        if size < head:
            return
        yield data[place + 4 : place + 8], data[place + head : place + size]
        place += size


def _in_avif(data: bytes, boxes: list[_Box]) -> Iterator[bytes]:
    meta = next((body for name, body in boxes if name == b"meta"), b"")
    parts = dict(_iterate_boxes(meta[4:]))
    wanted = set(_find_xmp_items(parts.get(b"iinf", b"")))
    for item, from_idat, extents in _read_iloc(parts.get(b"iloc", b"")):
        if item in wanted:
            source = parts.get(b"idat", b"") if from_idat else data
            yield b"".join(source[start : start + length] for start, length in extents)


def _find_xmp_items(iinf: bytes) -> Iterator[int]:
    """The numbers of the items whose `infe` (version 2 or 3) says that they are XMP."""
    head = 6 if iinf[:1] == b"\0" else 8
    for name, body in _iterate_boxes(iinf[head:]):
        if name != b"infe" or body[0] not in {2, 3}:
            continue
        number = ">H" if body[0] == 2 else ">I"
        rest = body[4 + struct.calcsize(number) + 2 :]
        if rest[:4] == b"mime" and _XMP_MEDIA_TYPE in rest[4:].split(b"\0"):
            yield struct.unpack_from(number, body, 4)[0]


def _read_iloc(iloc: bytes) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Each item's number, whether it lies in `idat`, and where its parts start and how long."""
    version = iloc[0]
    sizes = struct.unpack_from(">H", iloc, 4)[0]
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    of_number = 2 if version < 2 else 4
    place = 6

    def read(size: int) -> int:
        nonlocal place
        if place + size > len(iloc):
            raise IndexError(place)
        place += size
        return int.from_bytes(iloc[place - size : place], "big")

    for _ in range(read(of_number)):
        item = read(of_number)
        method = read(2) & 15 if version else 0
        read(2)  # which file it lies in: always this one
        base = read(of_base)
        extents = []
        for _ in range(read(2)):
            read(of_index if version else 0)
            start = base + read(of_offset)
            extents.append((start, read(of_length)))
        yield item, method == 1, extents
