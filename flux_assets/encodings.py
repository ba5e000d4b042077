"""The names of encodings that a person may give, in the environment or the shots file."""

import codecs

NAMES_ENCODING = "FLUX_ASSETS_CATALOG_ENCODING"
"""What messages name for the code page of a catalog; the shots file's `encoding` is the same."""
_NO_CODE_PAGES = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)


def check_encoding(name: str) -> str:
    """The name, if text can be read by it.

    Raises:
        ValueError: Python knows no such encoding of text.
    """
    try:
        known = codecs.lookup(name).name
        "a".encode(name)
    except (LookupError, ValueError):
        known = ""
    if not known or known.replace("_", "-") in _NO_CODE_PAGES:
        raise ValueError(
            f"{name!r} is no encoding that is known; well-known ones are utf-8, cp1250 to cp1258, "
            "shift_jis, gb18030, big5, euc_kr, koi8_r, cp437, cp850 and mac_roman"
        )
    return name
