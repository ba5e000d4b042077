"""One spelling for what exports spell in many ways: `Variant Grams`, `variant_grams`."""

import re

_NOT_IN_NAMES = re.compile(r"[\W_]+")
_GOOGLE_PREFIX = re.compile(r"\s*g:", re.IGNORECASE)


def normalise_name(header: str) -> str:
    """Lower case, every run of other characters an underscore, none at the ends, no `g:`."""
    name = header[prefix.end() :] if (prefix := _GOOGLE_PREFIX.match(header)) else header
    return _NOT_IN_NAMES.sub("_", name.lower()).strip("_")


def squash_name(header: str) -> str:
    """The normalised name without underscores, equal for `product_name` and `productName`."""
    return normalise_name(header).replace("_", "")
