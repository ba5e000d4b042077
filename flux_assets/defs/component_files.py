"""A component as its `defs.yaml` alone has it, without the rest of the project it stands in."""

from pathlib import Path

from dagster import ResolutionContext
from dagster_shared.yaml_utils import parse_yamls_with_source_position
from dagster_shared.yaml_utils.source_position import ValueAndSourcePositionTree
from pydantic import BaseModel, ValidationError
from yaml import MarkedYAMLError

from flux_assets.defs.component import CatalogImages
from flux_assets.defs.component_attributes import attributes_model
from flux_assets.defs.component_places import TYPE_NAME, find_project
from flux_assets.defs.component_values import ComponentError, Place, read_values

_CLASS_NAME = TYPE_NAME.partition(".")[2]


def read_component(path: Path) -> CatalogImages:
    """The component of a `defs.yaml`.

    Raises:
        ComponentError: there is none, or an attribute cannot be used.
    """
    path = path.absolute()
    tree = _find_document(path)
    place = Place(
        folder=path.parent,
        project=find_project(path.parent) or path.parent,
        context=ResolutionContext.default(tree.source_position_tree).at_path("attributes"),
    )
    return CatalogImages(read_values(_read_attributes(tree, place), place), place)


def _find_document(path: Path) -> ValueAndSourcePositionTree:
    try:
        trees = parse_yamls_with_source_position(path.read_text("utf-8"), str(path))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ComponentError(str(path), line, "", f"is no YAML: {error.problem}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ComponentError(str(path), None, "", f"cannot be read: {reason}") from error
    ours = [tree for tree in trees if _is_ours(tree.value)]
    if len(ours) != 1:
        problem = f"holds {len(ours)} components of type {TYPE_NAME}; one is needed"
        raise ComponentError(str(path), None, "", problem)
    return ours[0]


def _is_ours(document: object) -> bool:
    """Whatever module it is named by."""
    named = document.get("type") if isinstance(document, dict) else None
    return isinstance(named, str) and (
        named.startswith("flux_assets.") and named.endswith(f".{_CLASS_NAME}")
    )


def _read_attributes(tree: ValueAndSourcePositionTree, place: Place) -> BaseModel:
    try:
        return attributes_model().model_validate(tree.value.get("attributes") or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        attribute = ".".join(map(str, first["loc"]))
        raise place.error(attribute, first["msg"].removeprefix("Value error, ")) from None
