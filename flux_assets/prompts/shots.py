"""The shots file: YAML bytes -> the shots wanted of every product, or the line to mend."""

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from flux_assets.catalog.cells import DEFAULT_TITLE_CHARACTERS, TextRules
from flux_assets.catalog.product import ROW_COLUMNS, OneSetPer
from flux_assets.encodings import check_encoding
from flux_assets.errors import ParameterError, ShotsFileError
from flux_assets.image_api.parameters import (
    MATCH_INPUT_IMAGE,
    PARAMETERS,
    ParameterValue,
    parse_parameter,
)
from flux_assets.image_api.request import FIRST_VERSION
from flux_assets.prompts.phrases import check_phrase_name, read_phrases, write_phrases
from flux_assets.prompts.requests import PROMPT_COLUMN_PREFIX, ConditionalPrompt, Fallback, Shot
from flux_assets.prompts.taxonomy import read_taxonomy
from flux_assets.prompts.templates import PRODUCT_FIELDS, Condition, check_condition, check_template
from flux_assets.prompts.yaml_outline import KeyPath, YamlOutline, at_path

_OF_EDITS = ("source", "fallback", "flatten", "recognisable_above")
_COLUMN_KEYS = (*PRODUCT_FIELDS, *ROW_COLUMNS, *PARAMETERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsFile:
    """A whole shots file; `sha256` (hex) is that of its bytes.

    `columns` names the export's column of a product field, a parameter or a `prompt_<shot>` where
    its header is not recognised, or None where a recognised one means something else.
    `text_rules` says how titles and other texts are written.
    `one_set_per` says what of an export gets pictures of its own, and `include_unpublished`
    whether drafts and archived products get any. `encoding` is the export's where it is not to be
    found, and `sheet` a workbook's, by its name or its number from 1.
    """

    name: str
    sha256: str
    shots: tuple[Shot, ...]
    columns: Mapping[str, str | None]
    one_set_per: OneSetPer = "product"
    include_unpublished: bool = False
    encoding: str = ""
    sheet: str = ""
    text_rules: TextRules = field(default_factory=TextRules)


def read_shots(data: bytes, name: str) -> ShotsFile:
    """Read a shots file strictly: whatever is not understood is an error, with its line.

    Args:
        data: the file's bytes, UTF-8.
        name: what errors call the file.

    Raises:
        ShotsFileError: it is no YAML, or a key, value or template cannot be used.
    """
    outline = YamlOutline(data, name)
    try:
        file = _File.model_validate(outline.plain, context=read_phrases(outline.plain))
    except ValidationError as error:
        found = [_describe(details) for details in error.errors(include_url=False)]
        line, problem = min((outline.line_of(path), problem) for path, problem in found)
        raise ShotsFileError(name, problem, line=line) from error
    defaults = file.defaults.given()
    return ShotsFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        shots=tuple(
            _build_shot(shot_name, entry, defaults, file.scenes, outline)
            for shot_name, entry in file.shots.items()
        ),
        columns=file.columns,
        one_set_per=file.one_set_per,
        include_unpublished=file.include_unpublished,
        encoding=file.encoding,
        sheet=file.sheet,
        text_rules=TextRules(
            max_title_characters=file.max_title_characters, strip_marks=file.strip_marks
        ),
    )


def _check_shot_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(
            "a shot's name takes lower-case letters, digits and _, starting with a letter, "
            "at most 40"
        )
    return name


def _check_column_key(name: str) -> str:
    if name not in _COLUMN_KEYS and not name.startswith(PROMPT_COLUMN_PREFIX):
        raise ValueError(_unknown(name, _COLUMN_KEYS))
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


class _Parameters(BaseModel):
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


class _ConditionalPrompt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    when: _Condition
    prompt: _Prompt


class _Defaults(_Parameters):
    @field_validator("aspect_ratio")
    @classmethod
    def _check_ratio(cls, ratio: ParameterValue | None) -> ParameterValue | None:
        if ratio == MATCH_INPUT_IMAGE:
            raise ValueError("is for shots of `mode: edit` only, which have it without being told")
        return ratio


class _Shot(_Parameters):
    mode: Literal["generate", "edit"] = "generate"
    prompt: _Prompt
    prompts: list[_ConditionalPrompt] = []
    only_if: _Condition = ""
    version: Annotated[int, Field(ge=FIRST_VERSION)] = FIRST_VERSION
    source: Annotated[tuple[str, ...], BeforeValidator(_as_fields), Field(min_length=1)] = (
        "image_url",
    )
    fallback: Fallback = "fail"
    flatten: Annotated[str, AfterValidator(_check_color)] = ""
    recognisable_above: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        if self.mode == "generate":
            for name in _OF_EDITS:
                if name in self.model_fields_set:
                    raise ValueError(f"`{name}` is for shots of `mode: edit` only")
            if self.aspect_ratio == MATCH_INPUT_IMAGE:
                raise ValueError(f"aspect_ratio {MATCH_INPUT_IMAGE} is for `mode: edit` only")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    defaults: _Defaults = _Defaults()
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
        dict[Annotated[str, AfterValidator(_check_shot_name)], _Shot], Field(min_length=1)
    ]


def _build_shot(
    name: str,
    entry: _Shot,
    defaults: Mapping[str, ParameterValue],
    scenes: Mapping[str, str],
    outline: YamlOutline,
) -> Shot:
    path = ("shots", name)
    return Shot(
        name=name,
        prompt=entry.prompt,
        prompts=tuple(
            ConditionalPrompt(
                when=Condition(
                    text=conditional.when,
                    line=outline.line_of((*path, "prompts", str(place), "when")),
                ),
                prompt=conditional.prompt,
            )
            for place, conditional in enumerate(entry.prompts)
        ),
        only_if=(
            Condition(text=entry.only_if, line=outline.line_of((*path, "only_if")))
            if entry.only_if
            else None
        ),
        version=entry.version,
        mode=entry.mode,
        source=entry.source,
        fallback=entry.fallback,
        flatten=entry.flatten,
        recognisable_above=entry.recognisable_above,
        parameters={**defaults, **entry.given()},
        scenes=scenes,
    )


def _describe(details: ErrorDetails) -> tuple[KeyPath, str]:
    """Where one of pydantic's errors is, and what it says in the words of the file."""
    path = tuple(str(part) for part in details["loc"] if part != "[key]")
    kind = details["type"]
    problem = details["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        problem = _unknown(path[-1], tuple(_model_of(path).model_fields))
    elif kind == "missing":
        problem = "is required"
    elif kind == "too_short":
        problem = "at least one shot is required"
    elif kind in {"model_type", "dict_type"}:
        problem = "must hold keys with their values"
    return path, at_path(path, problem)


def _model_of(path: KeyPath) -> type[BaseModel]:
    """What may hold the key that a path ends in."""
    if len(path) == 1:
        return _File
    if path[0] == "defaults":
        return _Parameters
    return _Shot if len(path) == 3 else _ConditionalPrompt


def _unknown(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f", did you mean {near[0]}?" if near else ","
    return f"unknown key{hint} known are {', '.join(known)}"
