"""A shot, a product, its photo and what overrides it -> the prompt and the image request."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from flux_assets.catalog.photo_cells import first_photo
from flux_assets.catalog.product import Product
from flux_assets.errors import (
    ParameterError,
    PhotoUnavailableError,
    PhotoUnusableError,
    PromptError,
)
from flux_assets.image_api.parameters import (
    MATCH_INPUT_IMAGE,
    PARAMETERS,
    ParameterValue,
    parse_parameter,
)
from flux_assets.image_api.request import (
    FIRST_TAKE,
    FIRST_VERSION,
    ImageRequest,
    SourcePhoto,
    build_image_request,
)
from flux_assets.pictures.photos.photo import Photo, SharedPhotoError, doubt_of
from flux_assets.prompts.overrides import NO_OVERRIDE, NO_OVERRIDES, Override, OverridesFile
from flux_assets.prompts.templates import PRODUCT_FIELDS, Condition, describe_fields, is_met, render

Mode = Literal["generate", "edit"]
Fallback = Literal["generate", "skip", "fail"]
DoubtfulPictures = Literal["show", "refuse"]
SkipReason = Literal["only_if", "skip", "fallback"]
FindPhoto = Callable[[tuple[str, ...]], Photo]
"""Gives the photo at the first usable of some addresses, or why there is none."""

PROMPT_COLUMN_PREFIX = "prompt_"

# The vendor states no limit. Black Forest Labs' guide advises 30 to 80 words and calls 300 long,
# about 2,000 characters; twice that is a whole description pasted in, which drowns the template.
MAX_PROMPT_CHARACTERS = 4_000

# What a template may write before its white space is normalised; a loop stops here.
_MAX_WRITTEN_CHARACTERS = 16 * MAX_PROMPT_CHARACTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalPrompt:
    """A template for those products alone that meet a condition."""

    when: Condition
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One kind of picture wanted of every product, or of those that meet `only_if`.

    `prompt` is the template's text, for the products that meet none of the conditions in
    `prompts`; `parameters` are in their canonical form, the file's defaults among them.
    A shot of mode `edit` puts the product's own photo into a new scene: `source` names the fields
    that may hold its address, in order; `fallback` says what is done where there is no usable
    photo, `flatten` (`#rrggbb`) what its transparent parts are laid on. `recognisable_above` is
    the recognition score from 0 to 1 below which a picture is reported; None takes the default.
    `doubtful_pictures` says whether a picture that shows nothing, or another product's, is shown.
    `scenes` are the file's own, as of `find_scene`.
    """

    name: str
    prompt: str
    prompts: tuple[ConditionalPrompt, ...] = ()
    only_if: Condition | None = None
    version: int = FIRST_VERSION
    mode: Mode = "generate"
    source: tuple[str, ...] = ("image_url",)
    fallback: Fallback = "fail"
    flatten: str = ""
    recognisable_above: float | None = None
    doubtful_pictures: DoubtfulPictures = "show"
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    scenes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A product and shot of which no picture is wanted: which rule says so, and how it reads."""

    product_id: str
    shot: str
    reason: SkipReason
    message: str = field(default="", compare=False)


def assume_photo(addresses: tuple[str, ...]) -> Photo:
    """Take the first address for a photo, unread: for whom only the words count."""
    return SourcePhoto(uri=addresses[0], sha256="unread")


def build_requests(
    products: Iterable[Product],
    shots: Sequence[Shot],
    overrides: OverridesFile = NO_OVERRIDES,
    *,
    find_photo: FindPhoto = assume_photo,
) -> Iterator[ImageRequest | Skipped | PromptError]:
    """One image request, or the reason why there is none, per product and shot, in order.

    Args:
        products: of the catalog.
        shots: wanted of each.
        overrides: one product's wishes.
        find_photo: for the shots that edit one; without it, no request of such a shot is real.
    """
    for product in products:
        for shot in shots:
            try:
                override = overrides.find(product.product_id, shot.name)
                yield _build(shot, product, override, find_photo)
            except PromptError as error:
                yield error


def list_photo_addresses(
    products: Iterable[Product], shots: Sequence[Shot], overrides: OverridesFile = NO_OVERRIDES
) -> Iterator[tuple[str, ...]]:
    """Every group of addresses that `build_requests` will want a photo of."""
    edits = [shot for shot in shots if shot.mode == "edit"]
    for product in products if edits else ():
        for shot in edits:
            override = overrides.find(product.product_id, shot.name)
            if addresses := find_photo_addresses(shot, product, override):
                yield addresses


def find_photo_addresses(shot: Shot, product: Product, override: Override) -> tuple[str, ...]:
    """Those that a request of an editing shot follows from; none where it asks for no photo."""
    with suppress(PromptError):  # `build_requests` tells it
        if not _skip_reason(shot, product, override):
            return _photo_addresses(shot, product)
    return ()


def _skip_reason(shot: Shot, product: Product, override: Override) -> SkipReason | None:
    if override.skip:
        return "skip"
    if override.problem:
        # Made without what cannot be read, a picture that nobody asked for would be paid.
        problem = f"line {override.problem.line} of the overrides: {override.problem.message}"
        raise PromptError(product.product_id, shot.name, problem, reason="override_problem")
    if shot.only_if and not is_met(shot.only_if, product, shot=shot.name, scenes=shot.scenes):
        return "only_if"
    return None


def _build(
    shot: Shot, product: Product, override: Override, find_photo: FindPhoto
) -> ImageRequest | Skipped:
    reason = _skip_reason(shot, product, override)
    if reason:
        return _skip(shot, product, reason, _describe_rule(shot, product, override))
    photo = _choose_photo(shot, product, find_photo) if shot.mode == "edit" else None
    doubt = "" if photo is None else doubt_of(photo)
    if isinstance(photo, PhotoUnusableError) and shot.fallback == "skip":
        return _skip(shot, product, "fallback", f"its photo: {photo}")
    if isinstance(photo, PhotoUnusableError) and shot.fallback == "generate":
        photo = None
    if isinstance(photo, PhotoUnusableError | PhotoUnavailableError):
        raise PromptError(
            product.product_id,
            shot.name,
            f"its photo: {photo}",
            reason="doubted_photo" if isinstance(photo, SharedPhotoError) else "no_photo",
        )
    parameters = shot_parameters(shot, product, override)
    if photo is None and parameters.get("aspect_ratio") == MATCH_INPUT_IMAGE:
        if shot.mode == "generate":
            problem = f"the column aspect_ratio says {MATCH_INPUT_IMAGE}, which takes a photo"
            raise PromptError(product.product_id, shot.name, problem, field="aspect_ratio")
        parameters = {name: parameters[name] for name in parameters if name != "aspect_ratio"}
    request = build_image_request(
        product_id=product.product_id,
        shot=shot.name,
        prompt=render_prompt(shot, product, override),
        parameters=parameters,
        shot_version=shot.version,
        take=override.take or FIRST_TAKE,
        source=photo,
        flatten=shot.flatten,
    )
    return replace(request, doubt=f"its photo: {doubt}") if doubt else request


def _skip(shot: Shot, product: Product, reason: SkipReason, message: str) -> Skipped:
    return Skipped(product_id=product.product_id, shot=shot.name, reason=reason, message=message)


def _describe_rule(shot: Shot, product: Product, override: Override) -> str:
    """Which rule wants no picture of this shot, with what it looks at."""
    if override.skip or shot.only_if is None:
        return f"line {override.line} of the overrides says skip"
    rule = f"only_if in line {shot.only_if.line} of the shots file: {shot.only_if.text}"
    return f"{describe_fields(shot.only_if, product)}, and {rule}"


def _choose_photo(shot: Shot, product: Product, find_photo: FindPhoto) -> Photo:
    addresses = _photo_addresses(shot, product)
    if addresses:
        return find_photo(addresses)
    return PhotoUnusableError(", ".join(shot.source), "the catalog gives no address of one")


def _photo_addresses(shot: Shot, product: Product) -> tuple[str, ...]:
    addresses: list[str] = []
    for name in shot.source:
        value = getattr(product, name) if name in PRODUCT_FIELDS else product.columns.get(name)
        if value is None:
            problem = f"`source` names {name!r}, and the catalog has no such column"
            raise PromptError(product.product_id, shot.name, problem, field=name)
        if photo := first_photo(value):
            addresses.append(photo)
    return tuple(addresses)


def render_prompt(shot: Shot, product: Product, override: Override = NO_OVERRIDE) -> str:
    """Write the prompt of one product for one shot: NFC text, every white space one blank.

    An override's prompt stands in for the template, else the product's own `prompt_<shot>`
    column, either as plain text.

    Raises:
        PromptError: a field is missing, the template or a condition fails, or the prompt is
            empty or longer than MAX_PROMPT_CHARACTERS.
    """
    text = override.prompt or product.columns.get(PROMPT_COLUMN_PREFIX + shot.name, "")
    if not text or text.isspace():
        text = _render(shot, product)
    prompt = " ".join(unicodedata.normalize("NFC", text).split())
    if not prompt:
        raise PromptError(product.product_id, shot.name, "the prompt is empty")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise _too_long(shot, product)
    return prompt


def shot_parameters(
    shot: Shot, product: Product, override: Override = NO_OVERRIDE
) -> Mapping[str, ParameterValue]:
    """The shot's parameters under the product's own columns, and those under its override.

    Raises:
        PromptError: a column holds a value that the API does not take.
    """
    parameters = dict(shot.parameters)
    for name in PARAMETERS:
        text = product.columns.get(name)
        if text and not text.isspace():
            try:
                parameters[name] = parse_parameter(name, text)
            except ParameterError as error:
                raise PromptError(
                    product.product_id, shot.name, f"column {error}", field=name
                ) from error
    if override.seed is not None:
        parameters["seed"] = override.seed
    return parameters


def _render(shot: Shot, product: Product) -> str:
    text = render(
        _choose_template(shot, product),
        product,
        shot=shot.name,
        max_characters=_MAX_WRITTEN_CHARACTERS,
        scenes=shot.scenes,
    )
    if len(text) > _MAX_WRITTEN_CHARACTERS:
        raise _too_long(shot, product)
    return text


def _choose_template(shot: Shot, product: Product) -> str:
    for conditional in shot.prompts:
        if is_met(conditional.when, product, shot=shot.name, scenes=shot.scenes):
            return conditional.prompt
    return shot.prompt


def _too_long(shot: Shot, product: Product) -> PromptError:
    return PromptError(
        product.product_id,
        shot.name,
        f"the prompt is longer than {MAX_PROMPT_CHARACTERS:,} characters; "
        "shorten a field with {{ description | truncate(300) }}",
    )
