"""From a `defs.yaml`'s attributes, as they stand there, to settings; what is wrong, by its line."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import ResolutionContext
from pydantic import BaseModel

from flux_assets.catalog.characters import has_half
from flux_assets.defs.automation import check_schedule
from flux_assets.defs.component_attributes import (
    LOOK_FIELDS,
    OWN_DEFAULTS,
    PATHS,
    as_attributes,
    is_template,
    secret_fields,
)
from flux_assets.errors import FluxAssetsError, SettingsError
from flux_assets.settings import Settings, build_settings, variable_of

_ENV = re.compile(r"\s*\{\{\s*env(?:\.(\w+)|\(\s*(['\"])(\w+)\2\s*\))\s*\}\}\s*")
_DEFAULT_STATE = {"store": ".flux_assets/store", "simulator_state": ".flux_assets/simulator"}


class ComponentError(FluxAssetsError):
    """A `defs.yaml`, or an attribute of it, cannot be used."""

    def __init__(self, file: str, line: int | None, attribute: str, problem: str) -> None:
        where = f"{file}, line {line}" if line else file
        what = f"attributes.{attribute}: " if attribute else ""
        super().__init__(f"{where}: {what}{problem}")
        self.file = file
        self.line = line
        self.attribute = attribute
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a component stands: its folder, its project's, and the lines of its file."""

    folder: Path
    project: Path
    context: ResolutionContext

    def error(self, attribute: str, problem: str) -> ComponentError:
        """What is wrong with an attribute, and where that stands."""
        tree = self.context.source_position_tree
        if tree is None:
            return ComponentError(str(self.folder), None, attribute, problem)
        position, _ = tree.lookup_closest_and_path(["attributes", attribute], trace=None)
        return ComponentError(position.filename, position.start.line, attribute, problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentValues:
    """What a component is to be.

    Attributes:
        settings: of its shop.
        variables: of the environment, by the secret setting that each holds.
        look: the attributes of the assets' looks that are given, rendered but for `translation`.
    """

    settings: Settings
    variables: Mapping[str, str]
    look: Mapping[str, Any]


def read_values(attributes: BaseModel | None, place: Place) -> ComponentValues:
    """Render the attributes that are given.

    Raises:
        ComponentError: one cannot be used; a secret stands in the file; live mode lacks something.
    """
    set_fields = attributes.model_fields_set if attributes else ()
    given = {name: getattr(attributes, name) for name in set_fields}
    for name, value in given.items():
        if has_half(json.dumps(value, ensure_ascii=False, default=str)):
            raise place.error(name, "has half a character; write the character itself")
    look = {
        name: value if name == "translation" else _render(name, value, place)
        for name, value in given.items()
        if name in LOOK_FIELDS and value is not None
    }
    values: dict[str, Any] = dict(OWN_DEFAULTS)
    variables: dict[str, str] = {}
    for name, value in given.items():
        if name in LOOK_FIELDS or value is None:
            continue
        if name in secret_fields():
            variables[name] = _name_variable(name, value, place)
        found = _render(name, value, place)
        if found is not None and found != "":
            values[name] = found
    return ComponentValues(
        settings=_build(_absolute(values, place), place), variables=variables, look=look
    )


def _name_variable(name: str, value: object, place: Place) -> str:
    """The variable that a secret stands in; the value itself is never told."""
    found = _ENV.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        problem = (
            "a secret never stands in this file; write "
            f'"{{{{ env.{variable_of(name)} }}}}" here, and set that variable where Dagster runs'
        )
        raise place.error(name, problem)
    return found.group(1) or found.group(3)


def _render(name: str, value: object, place: Place) -> Any:  # noqa: ANN401 - whatever it is
    """The value, its templates filled in; a variable's text is left as it is."""
    found = _ENV.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return os.environ.get(found.group(1) or found.group(3), "").strip()
    if isinstance(value, str) and not is_template(value):
        return value
    return place.context.at_path(name).resolve_value(value)


def _absolute(values: dict[str, Any], place: Place) -> dict[str, Any]:
    """The same with no path that depends on where a process runs."""
    for name in PATHS:
        path = values.get(name)
        if isinstance(path, str) and "://" not in path:
            values[name] = os.path.normpath(place.folder / Path(path).expanduser())
    for name, path in _DEFAULT_STATE.items():
        if name not in values and not (name == "store" and values.get("mode") == "live"):
            values[name] = str(place.project / path)
    return values


def _build(values: Mapping[str, Any], place: Place) -> Settings:
    try:
        settings = build_settings(values)
        check_schedule(settings)
    except SettingsError as error:
        fields = {variable_of(name): name for name in Settings.model_fields}
        attribute = fields.get(error.variable, error.variable)
        raise place.error(attribute, as_attributes(error.problem)) from None
    return settings
