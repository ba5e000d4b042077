"""What a shots file may hold, key by key; what is wrong is told by pydantic."""

import difflib
import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from flux_assets.catalog.cells import DEFAULT_TITLE_CHARACTERS
from flux_assets.catalog.product import ROW_COLUMNS, OneSetPer
from flux_assets.encodings import check_encoding
from flux_assets.errors import ParameterError
from flux_assets.image_api.parameters import (
    MATCH_INPUT_IMAGE,
    PARAMETERS,
    ParameterValue,
    parse_parameter,
)
from flux_assets.image_api.request import FIRST_VERSION
from flux_assets.prompts.phrases import check_phrase_name, write_phrases
from flux_assets.prompts.requests import PROMPT_COLUMN_PREFIX, DoubtfulPictures, Fallback
from flux_assets.prompts.taxonomy import read_taxonomy
from flux_assets.prompts.templates import PRODUCT_FIELDS, check_condition, check_template

SHOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_OF_EDITS = ("source", "fallback", "flatten", "recognisable_above")
_COLUMN_KEYS = (*PRODUCT_FIELDS, *ROW_COLUMNS, *PARAMETERS)


def _check_shot_name(name: str) -> str:
    if not SHOT_NAME.fullmatch(name):
        raise ValueError(
            "a shot's name takes lower-case letters, digits and _, starting with a letter, "
            "at most 40"
        )
    return name


def _check_column_key(name: str) -> str:
    if name not in _COLUMN_KEYS and not name.startswith(PROMPT_COLUMN_PREFIX):
        raise ValueError(describe_unknown_key(name, _COLUMN_KEYS))
    return name


def _check_prompt(prompt: str, info: ValidationInfo) -> str:
    written = write_phrases(prompt, info.context or {})
    check_template(written)
    return written


def _check_scene_name(name: str) -> str:
    known = read_taxonomy().names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "give its name, path or number"
        raise ValueError(f"Google's taxonomy has no category {name!r} on its two levels; {hint}")
    return name


def _check_condition(condition: str) -> str:
    check_condition(condition)
    return condition


def _check_color(color: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ValueError(f"{color!r} given; a colour is written as '#ffffff', in quotes")
    return color.lower()


def _as_fields(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_Prompt = Annotated[str, AfterValidator(_check_prompt)]
_Condition = Annotated[str, AfterValidator(_check_condition)]


class ParameterValues(BaseModel):
    """The API's parameters, each optional; values may be text, as in a catalog."""

    model_config = ConfigDict(extra="forbid")

    aspect_ratio: ParameterValue | None = None
    output_format: ParameterValue | None = None
    output_quality: ParameterValue | None = None
    steps: ParameterValue | None = None
    guidance: ParameterValue | None = None
    safety_tolerance: ParameterValue | None = None
    prompt_upsampling: ParameterValue | None = None
    seed: ParameterValue | None = None

    @field_validator(*PARAMETERS, mode="plain")
    @classmethod
    def _parse(cls, value: object, info: ValidationInfo) -> ParameterValue:
        try:
            return parse_parameter(str(info.field_name), value)
        except ParameterError as error:
            raise ValueError(f"{value!r} given; the API takes {error.expected}") from error

    def given(self) -> dict[str, ParameterValue]:
        """Those that the file gives."""
        return self.model_dump(include=set(PARAMETERS), exclude_none=True)


class ConditionalPromptEntry(BaseModel):
    """A prompt for the products of a condition."""

    model_config = ConfigDict(extra="forbid")

    when: _Condition
    prompt: _Prompt


class DefaultsEntry(ParameterValues):
    """What holds for every shot."""

    @field_validator("aspect_ratio")
    @classmethod
    def _check_ratio(cls, ratio: ParameterValue | None) -> ParameterValue | None:
        if ratio == MATCH_INPUT_IMAGE:
            raise ValueError("is for shots of `mode: edit` only, which have it without being told")
        return ratio


class ShotEntry(ParameterValues):
    """One shot."""

    mode: Literal["generate", "edit"] = "generate"
    prompt: _Prompt
    prompts: list[ConditionalPromptEntry] = []
    only_if: _Condition = ""
    version: Annotated[int, Field(ge=FIRST_VERSION)] = FIRST_VERSION
    source: Annotated[tuple[str, ...], BeforeValidator(_as_fields), Field(min_length=1)] = (
        "image_url",
    )
    fallback: Fallback = "fail"
    flatten: Annotated[str, AfterValidator(_check_color)] = ""
    recognisable_above: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    doubtful_pictures: DoubtfulPictures = "show"

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        if self.mode == "generate":
            for name in _OF_EDITS:
                if name in self.model_fields_set:
                    raise ValueError(f"`{name}` is for shots of `mode: edit` only")
            if self.aspect_ratio == MATCH_INPUT_IMAGE:
                raise ValueError(f"aspect_ratio {MATCH_INPUT_IMAGE} is for `mode: edit` only")
        return self


class ShotsFileEntry(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    defaults: DefaultsEntry = DefaultsEntry()
    columns: dict[Annotated[str, AfterValidator(_check_column_key)], str | None] = {}
    one_set_per: OneSetPer = "product"
    include_unpublished: bool = False
    encoding: Annotated[str, AfterValidator(check_encoding)] = ""
    sheet: str = ""
    phrases: dict[Annotated[str, AfterValidator(check_phrase_name)], _Prompt] = {}
    scenes: dict[Annotated[str, AfterValidator(_check_scene_name)], str] = {}
    max_title_characters: Annotated[int, Field(ge=1)] = DEFAULT_TITLE_CHARACTERS
    strip_marks: bool = False
    shots: Annotated[
        dict[Annotated[str, AfterValidator(_check_shot_name)], ShotEntry], Field(min_length=1)
    ]


def describe_unknown_key(key: str, known: tuple[str, ...]) -> str:
    """What is wrong with a key, with the nearest right one."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f", did you mean {near[0]}?" if near else ","
    return f"unknown key{hint} known are {', '.join(known)}"
