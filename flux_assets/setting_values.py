"""What a setting's value must be, each kind told in a sentence, and how its text is read."""

import json
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

_HEADER_NAME = r"[\w!#$%&'*+.^`|~-]+"
_LEAST_SECRET = 32

# A condition given for every put would undo the ledger's own.
_STORE_PUT_ARGS = {"Body", "Bucket", "ContentType", "IfMatch", "IfNoneMatch", "Key"}


def check_base_url(url: str) -> str:
    """An API's address without a slash at its end."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not parts.hostname or not (secure or local):
        raise ValueError("must be https, or http on this machine's loopback address only")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("takes no user name, query or fragment")
    return url.rstrip("/")


def check_webhook(url: SecretStr) -> SecretStr:
    """What is wrong with it is told without it, for it is a secret."""
    parts = _split_secret(url)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not parts.hostname or not (parts.scheme == "https" or local):
        raise ValueError("must be https, or http on this machine's loopback address only")
    if "@" in parts.netloc:
        raise ValueError("takes no user name")
    return url


def check_rate_limiter(url: SecretStr) -> SecretStr:
    """What is wrong with it is told without it, for it may hold a password."""
    parts = _split_secret(url)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError("must be a Redis, as redis://host:6379/1 or rediss://")
    return url


def _split_secret(url: SecretStr) -> SplitResult:
    try:
        parts = urlsplit(url.get_secret_value())
        _ = parts.hostname, parts.port  # which is read only here, and may be no number
    except ValueError:
        raise ValueError("is no address that can be called") from None
    return parts


def check_public_url(url: str) -> str:
    """A public address without a slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with https:// or http:// and a host")
    return url.rstrip("/")


def check_host(host: str) -> str:
    """A host's name as browsers send it, with a port if it is not the usual one."""
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", host):
        raise ValueError("is a host's name alone, such as pictures.example.com")
    return host.lower()


def check_header_name(name: str) -> str:
    """The name of an HTTP header."""
    if not re.fullmatch(_HEADER_NAME, name, re.ASCII):
        raise ValueError("is no header's name, such as X-Forwarded-Email")
    return name


def check_proxy_secret(secret: SecretStr) -> SecretStr:
    """What is wrong with it is told without it."""
    text = secret.get_secret_value()
    if len(text) < _LEAST_SECRET or not (text.isascii() and text.isprintable()):
        raise ValueError(f"must have {_LEAST_SECRET} characters or more, printable ones of ASCII")
    return secret


_STORE_FOLDERS = {
    *("budget", "images", "ledger", "photos", "publishing", "runs", "tables", "undecoded"),
    "uploads",
}


def check_shop(shop: str) -> str:
    """A name that asset keys, jobs and store keys can carry."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", shop):
        raise ValueError(
            "takes lower-case letters, digits and _, starting with a letter, at most 40"
        )
    if shop in _STORE_FOLDERS:
        raise ValueError(f"{shop!r} is the name of a folder of the store itself; choose another")
    return shop


def parse_json_object(text: object) -> object:
    """What a JSON text says; anything else as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"must be a JSON object: {error}") from error


def check_put_args(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments that the store does not give itself."""
    taken = sorted(_STORE_PUT_ARGS & arguments.keys())
    if taken:
        raise ValueError(f"may not hold {', '.join(taken)}: the store gives it itself")
    return arguments


def parse_header(text: object) -> object:
    """`Name: value` as both; what is wrong with it is told without it, for it is a secret."""
    if not isinstance(text, str):
        return text
    name, _, value = (part.strip() for part in text.partition(":"))
    if not re.fullmatch(_HEADER_NAME, name, re.ASCII) or not value:
        raise ValueError("must be one header as `Name: value`, such as `Authorization: Bearer ...`")
    if not (value.isascii() and value.isprintable()):
        raise ValueError("takes one line of printable ASCII characters as its value")
    return name, SecretStr(value)


def parse_hosts(text: object) -> object:
    """Hosts that commas or spaces part; anything else as it is."""
    return tuple(text.lower().replace(",", " ").split()) if isinstance(text, str) else text


def parse_buckets(text: object) -> object:
    """Buckets that commas or spaces part; anything else as it is."""
    if not isinstance(text, str):
        return text
    if "/" in text:
        raise ValueError("takes buckets' names alone, such as `supplier-photos`")
    return tuple(text.replace(",", " ").split())


def parse_names(text: object) -> object:
    """Names that commas part; anything else as it is."""
    if not isinstance(text, str):
        return text
    return tuple(filter(None, map(str.strip, text.split(","))))
