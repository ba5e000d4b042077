"""One spelling for what exports spell in many ways: `Variant Grams`, `variant_grams`."""

import re
import unicodedata
from functools import lru_cache

_NOT_IN_NAMES = re.compile(r"[\W_]+")
_GOOGLE_PREFIX = re.compile(r"\s*g:", re.IGNORECASE)
# Byte order marks, zero-width and bidirectional characters, soft hyphens.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_DOTTED_I = "i\u0307"  # what Turkish \u0130 becomes in lower case


def clean_header(header: str) -> str:
    """A header as it is shown: without invisible characters, and without blanks at its ends."""
    return _INVISIBLE.sub("", header).strip()


@lru_cache(maxsize=4_096)  # every row names its options
def normalise_name(header: str) -> str:
    """Lower case, every run of other characters an underscore, none at the ends, no `g:`."""
    text = header
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    name = text[prefix.end() :] if (prefix := _GOOGLE_PREFIX.match(text)) else text
    return _NOT_IN_NAMES.sub("_", name.lower().replace(_DOTTED_I, "i")).strip("_")


@lru_cache(maxsize=4_096)
def squash_name(header: str) -> str:
    """The normalised name without underscores, equal for `product_name` and `productName`."""
    return normalise_name(header).replace("_", "")
