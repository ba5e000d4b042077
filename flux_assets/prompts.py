"""A shot, a product and what overrides it -> the prompt, its parameters and the image request."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from flux_assets.catalog.product import Product
from flux_assets.errors import ParameterError, PromptError
from flux_assets.image_request import (
    FIRST_TAKE,
    FIRST_VERSION,
    ImageRequest,
    build_image_request,
)
from flux_assets.overrides import NO_OVERRIDE, NO_OVERRIDES, Override, OverridesFile
from flux_assets.parameters import PARAMETERS, ParameterValue, parse_parameter
from flux_assets.templates import Condition, is_met, render_pieces

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
    """

    name: str
    prompt: str
    prompts: tuple[ConditionalPrompt, ...] = ()
    only_if: Condition | None = None
    version: int = FIRST_VERSION
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A product and shot of which no picture is wanted: which rule says so."""

    product_id: str
    shot: str
    reason: Literal["only_if", "skip"]


def build_requests(
    products: Iterable[Product], shots: Sequence[Shot], overrides: OverridesFile = NO_OVERRIDES
) -> Iterator[ImageRequest | Skipped | PromptError]:
    """One image request, or the reason why there is none, per product and shot, in order."""
    for product in products:
        for shot in shots:
            try:
                yield _build(shot, product, overrides.find(product.product_id, shot.name))
            except PromptError as error:
                yield error


def _build(shot: Shot, product: Product, override: Override) -> ImageRequest | Skipped:
    if override.skip:
        return Skipped(product_id=product.product_id, shot=shot.name, reason="skip")
    if override.problem:
        # Made without what cannot be read, a picture that nobody asked for would be paid.
        problem = f"line {override.problem.line} of the overrides: {override.problem.message}"
        raise PromptError(product.product_id, shot.name, problem)
    if shot.only_if and not is_met(shot.only_if, product, shot=shot.name):
        return Skipped(product_id=product.product_id, shot=shot.name, reason="only_if")
    return build_image_request(
        product_id=product.product_id,
        shot=shot.name,
        prompt=render_prompt(shot, product, override),
        parameters=shot_parameters(shot, product, override),
        shot_version=shot.version,
        take=override.take or FIRST_TAKE,
    )


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
    pieces: list[str] = []
    written = 0
    for piece in render_pieces(_choose_template(shot, product), product, shot=shot.name):
        written += len(piece)
        if written > _MAX_WRITTEN_CHARACTERS:
            raise _too_long(shot, product)
        pieces.append(piece)
    return "".join(pieces)


def _choose_template(shot: Shot, product: Product) -> str:
    for conditional in shot.prompts:
        if is_met(conditional.when, product, shot=shot.name):
            return conditional.prompt
    return shot.prompt


def _too_long(shot: Shot, product: Product) -> PromptError:
    return PromptError(
        product.product_id,
        shot.name,
        f"the prompt is longer than {MAX_PROMPT_CHARACTERS:,} characters; "
        "shorten a field with {{ description | truncate(300) }}",
    )
