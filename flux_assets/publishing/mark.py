"""The mark that a picture was made by AI: an XMP property of the IPTC, written and read back.

Source of the property: IPTC Photo Metadata Standard, "Digital Source Type"; of its values: the IPTC
NewsCodes, http://cv.iptc.org/newscodes/digitalsourcetype/. Neither EXIF nor IIM has such a field.
"""

from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree as SafeElementTree
from defusedxml import DefusedXmlException

from flux_assets.publishing.xmp import find_packets

NEWS_CODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PROPERTY = f"{{{_IPTC}}}DigitalSourceType"
_RESOURCE = f"{{{_RDF}}}resource"


def build_packet(code: str) -> bytes:
    """The XMP packet that says how a picture came to be, and nothing else.

    Args:
        code: of the IPTC, as `trainedAlgorithmicMedia`.
    """
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_IPTC}">'
        f"<Iptc4xmpExt:DigitalSourceType>{NEWS_CODES}{code}</Iptc4xmpExt:DigitalSourceType>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def read_mark(data: bytes) -> str:
    """What the mark of a JPEG, PNG, WebP or AVIF says; empty where there is none.

    It is the IPTC's code, or the whole value where that is none of the IPTC's.
    """
    for packet in find_packets(data):
        try:
            found = _read_property(SafeElementTree.fromstring(packet.strip(b"\0 \r\n\t")))
        except (ParseError, DefusedXmlException, ValueError):
            continue
        if found:
            return found.removeprefix(NEWS_CODES)
    return ""


def _read_property(root: Element) -> str:
    """XMP may write a property as an element, as its resource, or as an attribute."""
    for element in root.iter():
        if element.tag == _PROPERTY:
            return (element.get(_RESOURCE) or element.text or "").strip()
        if _PROPERTY in element.attrib:
            return element.attrib[_PROPERTY].strip()
    return ""
