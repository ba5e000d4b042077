"""The shots file: YAML bytes -> the shots wanted of every product, or the line to mend."""

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from yaml.reader import ReaderError

from flux_assets.catalog.product import OneSetPer
from flux_assets.errors import ParameterError, ShotsFileError
from flux_assets.image_request import FIRST_VERSION
from flux_assets.parameters import PARAMETERS, ParameterValue, parse_parameter
from flux_assets.prompts import PROMPT_COLUMN_PREFIX, ConditionalPrompt, Shot
from flux_assets.templates import PRODUCT_FIELDS, Condition, check_condition, check_template

_Path = tuple[str, ...]
_NULLS = frozenset({"", "~", "null"})
_COLUMN_KEYS = (*PRODUCT_FIELDS, *PARAMETERS)
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsFile:
    """A whole shots file; `sha256` (hex) is that of its bytes.

    `columns` names the export's column of a product field, a parameter or a `prompt_<shot>` where
    its header is not recognised, or None where a recognised one means something else.
    `one_set_per` says what of an export gets pictures of its own, and `include_unpublished`
    whether drafts and archived products get any.
    """

    name: str
    sha256: str
    shots: tuple[Shot, ...]
    columns: Mapping[str, str | None]
    one_set_per: OneSetPer = "product"
    include_unpublished: bool = False


def read_shots(data: bytes, name: str) -> ShotsFile:
    """Read a shots file strictly: whatever is not understood is an error, with its line.

    Args:
        data: the file's bytes, UTF-8.
        name: what errors call the file.

    Raises:
        ShotsFileError: it is no YAML, or a key, value or template cannot be used.
    """
    outline = _Outline(data, name)
    try:
        file = _File.model_validate(outline.plain)
    except ValidationError as error:
        found = [_describe(details) for details in error.errors(include_url=False)]
        line, problem = min((outline.line_of(path), problem) for path, problem in found)
        raise ShotsFileError(name, problem, line=line) from error
    defaults = file.defaults.given()
    return ShotsFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        shots=tuple(
            _build_shot(shot_name, entry, defaults, outline)
            for shot_name, entry in file.shots.items()
        ),
        columns=file.columns,
        one_set_per=file.one_set_per,
        include_unpublished=file.include_unpublished,
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


def _check_prompt(prompt: str) -> str:
    check_template(prompt)
    return prompt


def _check_condition(condition: str) -> str:
    check_condition(condition)
    return condition


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


class _Shot(_Parameters):
    prompt: _Prompt
    prompts: list[_ConditionalPrompt] = []
    only_if: _Condition = ""
    version: Annotated[int, Field(ge=FIRST_VERSION)] = FIRST_VERSION


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    defaults: _Parameters = _Parameters()
    columns: dict[Annotated[str, AfterValidator(_check_column_key)], str | None] = {}
    one_set_per: OneSetPer = "product"
    include_unpublished: bool = False
    shots: Annotated[
        dict[Annotated[str, AfterValidator(_check_shot_name)], _Shot], Field(min_length=1)
    ]


def _build_shot(
    name: str, entry: _Shot, defaults: Mapping[str, ParameterValue], outline: "_Outline"
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
        parameters={**defaults, **entry.given()},
    )


def _describe(details: ErrorDetails) -> tuple[_Path, str]:
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
    return path, _at(path, problem)


def _model_of(path: _Path) -> type[BaseModel]:
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


class _Outline:
    """The file as plain values, every scalar text or None, with the line of each key."""

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self._lines: dict[_Path, int] = {}
        self._seen: set[yaml.Node] = set()
        root = self._compose(data)
        self.plain = self._plain(root) if root else {}

    def line_of(self, path: _Path) -> int:
        """The line of a key, or of the nearest key around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _compose(self, data: bytes) -> yaml.Node | None:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ShotsFileError(self._name, "is not UTF-8 text", line=line) from error
        try:
            # leaves scalars as text, where YAML 1.1 would read a ratio of 16:9 as the number 969
            return yaml.compose(text, Loader=yaml.BaseLoader)
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise ShotsFileError(self._name, error.reason, line=line) from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = ", ".join(filter(None, (error.context, error.problem)))
            raise ShotsFileError(self._name, problem, line=line) from error
        except RecursionError as error:
            raise self._error("is nested too deeply", ()) from error

    def _plain(self, node: yaml.Node, path: _Path = ()) -> object:
        """Turn a node to plain values, and refuse what makes a file mean other than it shows."""
        if node in self._seen:
            raise self._error("an anchor cannot be used again with *; see `defaults`", path)
        self._seen.add(node)
        self._lines.setdefault(path, node.start_mark.line + 1)
        if node.tag not in _PLAIN_TAGS:
            raise self._error(f"the tag {node.tag} is not available", path)
        if isinstance(node, yaml.ScalarNode):
            return None if node.style is None and node.value in _NULLS else node.value
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*path, str(place))) for place, item in enumerate(node.value)]
        plain: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                problem = "a key must be plain text; a prompt stands in quotes or below >-"
                raise self._error(problem, path)
            key_path = (*path, key)
            self._lines[key_path] = key_node.start_mark.line + 1
            if key in plain:
                raise self._error("stands here a second time", key_path)
            plain[key] = self._plain(value_node, key_path)
        return plain

    def _error(self, problem: str, path: _Path) -> ShotsFileError:
        return ShotsFileError(self._name, _at(path, problem), line=self.line_of(path))


def _at(path: _Path, problem: str) -> str:
    return f"{'.'.join(path)}: {problem}" if path else problem
