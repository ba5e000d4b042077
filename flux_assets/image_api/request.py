"""What is asked of the vendor: parameters, seed, fingerprint; `protocol` puts it on the wire.

The fingerprint is the identity of what is paid for. No release may change the fingerprint of
unchanged input: a field added later is left out of the canonical JSON at its default.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Self

from flux_assets.image_api.parameters import MATCH_INPUT_IMAGE, PARAMETERS, ParameterValue

MODEL = "black-forest-labs/flux-2-max"
FIRST_VERSION = 1
FIRST_TAKE = 1

_DEFAULTS: Mapping[str, ParameterValue] = {
    name: parameter.default
    for name, parameter in PARAMETERS.items()
    if parameter.default is not None
}
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)

RequestType = Literal["IMAGE_GENERATOR", "IMAGE_EDITOR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePhoto:
    """A product's own photo: `sha256` (hex) is of its bytes as read, `uri` where that was.

    `doubt` says why nothing may be bought with it now, if so.
    """

    uri: str
    sha256: str
    doubt: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """One picture of one product and shot, with every documented parameter given.

    `prompt_object` is the API's promptObject; its `seed` is always explicit. `fingerprint` is
    64 hexadecimal digits. `source_sha256` and `source_uri` are of the photo that is edited, empty
    where none is; `flatten` is the colour that its transparent parts are laid on, if any. The
    uploaded photo's own key, the API's `imageUrl`, is no part of the request: it changes with
    every upload. `doubt` is no part of it either: why it may not be bought now, if so, though a
    stored picture of it stays. Build it with `build_image_request`.
    """

    product_id: str
    shot: str
    shot_version: int
    take: int
    type: RequestType
    model: str
    prompt_object: Mapping[str, ParameterValue]
    fingerprint: str
    source_uri: str = ""
    source_sha256: str = ""
    flatten: str = ""
    doubt: str = field(default="", compare=False)

    @property
    def prompt(self) -> str:
        """The text that the picture is made from."""
        return str(self.prompt_object["prompt"])

    @property
    def mode(self) -> Literal["generate", "edit"]:
        """Whether the picture is made from words alone, or from a photo too."""
        return "edit" if self.type == "IMAGE_EDITOR" else "generate"

    @property
    def seed(self) -> int:
        """The seed sent, 32 bits, unsigned."""
        return int(self.prompt_object["seed"])

    def to_json(self) -> dict[str, object]:
        """The plain form that the ledger and the tables keep."""
        source = SourcePhoto(uri=self.source_uri, sha256=self.source_sha256)
        return _source_fields(source if self.source_sha256 else None, self.flatten) | {
            "product_id": self.product_id,
            "shot": self.shot,
            "shot_version": self.shot_version,
            "take": self.take,
            "type": self.type,
            "model": self.model,
            "prompt_object": dict(self.prompt_object),
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, object]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(**plain)  # type: ignore[arg-type]  # written by to_json, fields are its own


def build_image_request(
    *,
    product_id: str,
    shot: str,
    prompt: str,
    parameters: Mapping[str, ParameterValue],
    shot_version: int = FIRST_VERSION,
    take: int = FIRST_TAKE,
    source: SourcePhoto | None = None,
    flatten: str = "",
) -> ImageRequest:
    """Fill in every default and the seed, and compute the fingerprint.

    Args:
        product_id: the product, as the catalog names it.
        shot: the shot's name.
        prompt: the rendered text.
        parameters: validated values by the API's names; `seed` may be among them.
        shot_version: from the shots file.
        take: from the overrides.
        source: the photo to edit; without one, the picture is made from the words alone.
        flatten: the colour below the photo's transparent parts; empty leaves them.
    """
    given_seed = parameters.get("seed")
    if given_seed is None:
        seed = _seed_from(product_id, shot, shot_version, take)
    elif (shot_version, take) == (FIRST_VERSION, FIRST_TAKE):
        seed = int(given_seed)
    else:
        seed = _seed_from(int(given_seed), shot_version, take)
    if source is not None:
        parameters = {"aspect_ratio": MATCH_INPUT_IMAGE, **parameters}
    prompt_object: dict[str, ParameterValue] = {"prompt": prompt}
    for name, default in _DEFAULTS.items():
        prompt_object[name] = parameters.get(name, default)
    prompt_object["seed"] = seed
    request_type: RequestType = "IMAGE_EDITOR" if source else "IMAGE_GENERATOR"
    identity: dict[str, object] = {
        "product_id": product_id,
        "shot": shot,
        "shot_version": shot_version,
        "take": take,
        "type": request_type,
        "model": MODEL,
        "prompt_object": prompt_object,
    }
    if source is not None:
        identity |= {"source_sha256": source.sha256} | ({"flatten": flatten} if flatten else {})
    return ImageRequest(
        product_id=product_id,
        shot=shot,
        shot_version=shot_version,
        take=take,
        type=request_type,
        model=MODEL,
        prompt_object=prompt_object,
        fingerprint=hashlib.sha256(canonical_json(identity)).hexdigest(),
        **_source_fields(source, flatten),
    )


def as_of_former_id(request: ImageRequest, former_id: str) -> ImageRequest:
    """The request as it was made while its product had another id, for the product of now.

    Its fingerprint, and the seed that follows from the id, are those of then.
    """
    parts = (request.shot, request.shot_version, request.take)
    prompt_object = request.prompt_object
    if request.seed == _seed_from(request.product_id, *parts):
        prompt_object = {**prompt_object, "seed": _seed_from(former_id, *parts)}
    identity = request.to_json() | {"product_id": former_id, "prompt_object": prompt_object}
    for name in ("fingerprint", "source_uri", *([] if request.flatten else ["flatten"])):
        identity.pop(name, None)
    fingerprint = hashlib.sha256(canonical_json(identity)).hexdigest()
    return replace(request, prompt_object=prompt_object, fingerprint=fingerprint)


def _source_fields(source: SourcePhoto | None, flatten: str) -> dict[str, str]:
    if source is None:
        return {}
    return {"source_uri": source.uri, "source_sha256": source.sha256, "flatten": flatten}


def canonical_json(value: object) -> bytes:
    """The one byte string for a plain value: sorted keys, no blanks, ASCII only."""
    return _CANONICAL.encode(value).encode("ascii")


def _seed_from(*parts: str | int) -> int:
    return int.from_bytes(hashlib.sha256(canonical_json(parts)).digest()[:4])


class RequestIdentity(NamedTuple):
    """What the plan needs to know of one image request."""

    product_id: str
    shot: str
    fingerprint: str
