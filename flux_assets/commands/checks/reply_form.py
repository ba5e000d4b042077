"""What a raw reply looks like from outside, for people: no value, no URL's query.

The forms of the API's replies are known only from other clients: a first purchase shows the real
one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from flux_assets.image_api.error_replies import mapping, parse_json_object
from flux_assets.image_api.transport import HttpReply
from flux_assets.image_api.vendor_text import printable

_MAX_DEPTH = 8
_MAX_PATHS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
    """Which fields a reply has, as `a.b[].c`, and where in it the picture's URL stands.

    `url_path` and `url_host` are "" where there is no URL; `url_expires_at` is None where its
    query does not say.
    """

    status_code: int
    field_paths: tuple[str, ...]
    url_path: str = ""
    url_host: str = ""
    url_expires_at: datetime | None = None


def describe_reply(reply: HttpReply) -> ReplyForm:
    """Describe a reply of any form; one that is no JSON object has no fields."""
    data = mapping(parse_json_object(reply.body))
    field_paths = tuple(dict.fromkeys(_paths(data, "", 0)))[:_MAX_PATHS]
    for path, text in _url_places(data):
        if text.startswith(("https://", "http://")):
            return ReplyForm(
                status_code=reply.status_code,
                field_paths=field_paths,
                url_path=path,
                url_host=_host_of(text),
                url_expires_at=_expiry_of(text),
            )
    return ReplyForm(status_code=reply.status_code, field_paths=field_paths)


def _paths(value: object, path: str, depth: int) -> Iterator[str]:
    if depth < _MAX_DEPTH and isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _paths(inner, f"{path}.{printable(name)}".lstrip("."), depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, list) and value:
        for inner in value:
            yield from _paths(inner, f"{path}[]", depth + 1)
    elif path:
        yield path


def _url_places(data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every place that `protocol.parse_reply` takes the URL from, in its order."""
    record, prefix = (mapping(data["aiRecord"]), "aiRecord.") if "aiRecord" in data else (data, "")
    yield f"{prefix}temporaryUrl", printable(record.get("temporaryUrl"))
    yield "temporaryUrl", printable(data.get("temporaryUrl"))
    detail = mapping(record.get("aiRecordDetail"))
    path = f"{prefix}aiRecordDetail.resultObject"
    if "resultObject" not in detail:
        detail, path = record, f"{prefix}resultObject"
    result = detail.get("resultObject")
    items = [(f"{path}[]", item) for item in result] if isinstance(result, list) else []
    for place, item in items or [(path, result)]:
        yield f"{place}.url", printable(mapping(item).get("url"))
        yield place, printable(item)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "unreadable"


def _expiry_of(url: str) -> datetime | None:
    """When an S3 or CloudFront signature ends."""
    try:
        query = {name: texts[0] for name, texts in parse_qs(urlsplit(url).query).items()}
        if "X-Amz-Expires" in query:
            signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
            return signed_at + timedelta(seconds=int(query["X-Amz-Expires"]))
        return datetime.fromtimestamp(int(query["Expires"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None
