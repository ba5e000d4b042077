"""What the API accepts; kept apart from our own parameter table, so that each checks the other.

Source: the page "Flux 2 Max - Image Generator"; the editor takes the same and `imageUrl`. A value
out of its range is refused by the provider behind the API, and therefore comes back in the form
of a provider's refusal.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flux_assets.image_api.simulator import replies
from flux_assets.image_api.simulator.pictures import MATCH_INPUT_IMAGE

MODELS = ("black-forest-labs/flux-2-max",)
EDITOR = "IMAGE_EDITOR"
TYPES = ("IMAGE_GENERATOR", EDITOR)

_CHOICES = {
    "aspect_ratio": ("1:1", "16:9", "9:16", "3:2", "2:3", "4:5", "5:4"),
    "output_format": ("jpg", "png"),
    "prompt_upsampling": (True, False),
}
_RANGES = {
    "output_quality": (0, 100),
    "steps": (15, 50),
    "guidance": (2, 5),
    "safety_tolerance": (1, 6),
    "seed": (0, 4_294_967_295),
}
_WHOLE_NUMBERS = {"output_quality", "steps", "safety_tolerance", "seed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A valid body of `POST /api/features`, with what the picture depends on.

    `prompt_object` is as sent, unknown fields included; `seed` is None if none was sent.
    `image_url` is empty for a generator call, which ignores it.
    """

    type: str
    model: str
    prompt_object: Mapping[str, object]
    prompt: str
    seed: int | None
    aspect_ratio: str
    output_format: str
    output_quality: int
    image_url: str
    is_async: bool


def parse_call(body: bytes) -> Call:
    """Check a request's body.

    Raises:
        ApiReplyError: the reply that the API gives instead of a picture.
    """
    try:
        plain = json.loads(body)
        # Python reads NaN and lone surrogates, which are no JSON and cannot be echoed.
        json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise replies.bad_request("Unexpected token in JSON") from None
    if not isinstance(plain, dict):
        raise replies.bad_request("The body must be a JSON object")
    _require(plain, ("type", "model", "promptObject"))
    prompt_object = plain["promptObject"]
    if plain["type"] not in TYPES:
        raise replies.unsupported("UNKNOWN_ERROR", plain["type"])
    if plain["model"] not in MODELS:
        raise replies.unsupported("UNSUPPORTED_MODEL", plain["model"])
    if not isinstance(prompt_object, dict):
        raise replies.bad_request("promptObject must be an object")
    is_editor = plain["type"] == EDITOR
    texts = ("prompt", "imageUrl") if is_editor else ("prompt",)
    _require(prompt_object, texts)
    for name in texts:
        if not isinstance(prompt_object[name], str):
            raise replies.bad_request(f"{name} must be a string")
    for name, value in prompt_object.items():
        is_matching = is_editor and name == "aspect_ratio" and value == MATCH_INPUT_IMAGE
        if not is_matching and not _is_allowed(name, value):
            raise replies.refused_by_provider(422, f"Invalid value for {name}: {value!r}")
    return Call(
        type=plain["type"],
        model=plain["model"],
        prompt_object=prompt_object,
        prompt=prompt_object["prompt"],
        seed=int(prompt_object["seed"]) if "seed" in prompt_object else None,
        aspect_ratio=prompt_object.get("aspect_ratio", MATCH_INPUT_IMAGE if is_editor else "1:1"),
        output_format=prompt_object.get("output_format", "png"),
        output_quality=int(prompt_object.get("output_quality", 80)),
        image_url=prompt_object["imageUrl"] if is_editor else "",
        is_async=plain.get("async") is True,
    )


def _require(plain: Mapping[str, object], names: tuple[str, ...]) -> None:
    missing = [name for name in names if plain.get(name) in (None, "")]
    if missing:
        raise replies.missing_fields(missing)


def _is_allowed(name: str, value: object) -> bool:
    if name in _CHOICES:
        # Compared with their types, since 1 == True.
        return any(type(value) is type(choice) and value == choice for choice in _CHOICES[name])
    if name in _RANGES:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        lowest, highest = _RANGES[name]
        return lowest <= value <= highest and not (name in _WHOLE_NUMBERS and value % 1)
    return True
