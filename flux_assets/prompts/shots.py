"""The shots file: YAML bytes -> the shots wanted of every product, or the line to mend."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import (
    BaseModel,
    ValidationError,
)
from pydantic_core import ErrorDetails

from flux_assets.catalog.cells import TextRules
from flux_assets.catalog.product import OneSetPer
from flux_assets.errors import ShotsFileError
from flux_assets.image_api.parameters import (
    ParameterValue,
)
from flux_assets.prompts.phrases import read_phrases
from flux_assets.prompts.requests import ConditionalPrompt, Shot
from flux_assets.prompts.shots_schema import (
    ConditionalPromptEntry,
    ParameterValues,
    ShotEntry,
    ShotsFileEntry,
    describe_unknown_key,
)
from flux_assets.prompts.templates import Condition
from flux_assets.prompts.yaml_outline import KeyPath, YamlOutline, at_path


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

    @property
    def refusing(self) -> frozenset[str]:
        """The shots that show no doubtful picture."""
        return frozenset(it.name for it in self.shots if it.doubtful_pictures == "refuse")


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
        file = ShotsFileEntry.model_validate(outline.plain, context=read_phrases(outline.plain))
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


def _build_shot(
    name: str,
    entry: ShotEntry,
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
        doubtful_pictures=entry.doubtful_pictures,
        parameters={**defaults, **entry.given()},
        scenes=scenes,
    )


def _describe(details: ErrorDetails) -> tuple[KeyPath, str]:
    """Where one of pydantic's errors is, and what it says in the words of the file."""
    path = tuple(str(part) for part in details["loc"] if part != "[key]")
    kind = details["type"]
    problem = details["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        problem = describe_unknown_key(path[-1], tuple(_model_of(path).model_fields))
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
        return ShotsFileEntry
    if path[0] == "defaults":
        return ParameterValues
    return ShotEntry if len(path) == 3 else ConditionalPromptEntry
