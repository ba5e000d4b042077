"""What the page may send: read strictly, and never more than a page has to say."""

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from flux_assets.web.errors import BadRequestError

MOST_ITEMS = 500
_MOST_BYTES = 2_000_000
_LONGEST_TEXT = 2_000
_MOST_REASONS = 20

_FORMULA_SIGNS = ("=", "+", "-", "@")


def _check_words(text: str) -> str:
    """Words that a spreadsheet, in which the overrides are opened, does not take for a formula."""
    words = text.strip()
    if not words or words.startswith(_FORMULA_SIGNS):
        raise ValueError(f"words begin with none of {' '.join(_FORMULA_SIGNS)}")
    if not all(sign.isprintable() or sign == "\n" for sign in words):
        raise ValueError("words hold no control characters")
    return words


_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, Field(max_length=_LONGEST_TEXT)]
_Words = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_check_words)]
_Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DecisionItem(_Body):
    """One picture's decision, and the revision that the person saw."""

    fingerprint: _Digest
    sha256: _Digest
    revision: Annotated[int, Field(ge=0)]
    verdict: Literal["approved", "rejected", "undecided"]
    reasons: Annotated[list[_Text], Field(max_length=_MOST_REASONS)] = []
    note: _Text | None = None
    shows_person: bool | None = None


class DecisionsBody(_Body):
    """What a person decided within about a second, or of all that a filter shows."""

    decisions: Annotated[list[DecisionItem], Field(max_length=MOST_ITEMS)]


class RerollItem(_Body):
    """Another picture: so many takes further, or by other words or another seed."""

    fingerprint: _Digest
    words: _Words | None = None
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] | None = None
    takes: Annotated[int, Field(ge=1, le=100)] | None = None


class RerollsBody(_Body):
    """The pictures that others are wished for."""

    items: Annotated[list[RerollItem], Field(min_length=1, max_length=MOST_ITEMS)]


class PinBody(_Body):
    """The picture that is to be shown whatever is asked for."""

    fingerprint: _Digest


class PublishBody(_Body):
    """The channels whose next edition is to be made."""

    channels: Annotated[list[_Channel], Field(min_length=1, max_length=1_000)]


class RollbackBody(_Body):
    """The edition that a channel goes back to, and why."""

    channel: _Channel
    edition: Annotated[int, Field(ge=1)]
    reason: Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)]


class UndoBody(_Body):
    """The batch whose decisions are taken back."""

    batch: Annotated[str, Field(max_length=100)]


_Kind = TypeVar("_Kind", bound=_Body)


async def read_body(request: Request, kind: type[_Kind]) -> _Kind:
    """What was sent.

    Raises:
        BadRequestError: it is too long, no JSON, or not what is meant to be sent here.
    """
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > _MOST_BYTES:
            raise BadRequestError(f"more than {_MOST_BYTES:,} bytes were sent", status=413)
        parts.append(part)
    try:
        plain: Any = json.loads(b"".join(parts))
    except (ValueError, RecursionError) as error:
        raise BadRequestError("what was sent is no JSON") from error
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadRequestError(f"{place}: {first['msg']}") from error
