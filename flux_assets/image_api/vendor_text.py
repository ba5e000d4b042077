"""Text that came over the wire, made fit for an error message or a log line."""

import re

_MAX_CHARS = 300
_MAX_SEARCHED_CHARS = 2000  # what a hostile text can do to the patterns grows with its square
_URL_QUERY = re.compile(r"(https?:[^\s\"'<>?#]*)[?#][^\s\"'<>]*", re.IGNORECASE)
_SIGNED_QUERY = re.compile(r"\?[^\s\"'<>]*=[^\s\"'<>]*")


def safe_text(value: object, *, secret: str = "") -> str:
    """One short line without URL queries, without `secret`; "" unless `value` is text.

    A signed URL is a credential as long as it lives, and the vendor quotes keys in its messages.
    """
    text = printable(value)
    text = text.replace(secret, "[API key]") if secret else text
    text = _SIGNED_QUERY.sub("", _URL_QUERY.sub(r"\1", text[:_MAX_SEARCHED_CHARS]))
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 3] + "..."


def printable(value: object) -> str:
    """One line without control characters and lone surrogates; "" unless `value` is text."""
    if not isinstance(value, str):
        return ""
    one_line = " ".join(value.split())
    if one_line.isprintable():
        return one_line
    return "".join(character for character in one_line if character.isprintable()).strip()
