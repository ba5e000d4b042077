"""The attributes of a `defs.yaml`: the settings, typed and described, and how the assets look."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, get_args

from dagster.components.resolved.core_models import AssetAttributesModel
from pydantic import BaseModel, ConfigDict, Field, SecretStr, create_model
from pydantic.annotated_handlers import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from flux_assets.settings import Settings, variable_of

PATHS = (
    *("catalog", "overrides", "shots", "channels", "store"),
    *("simulator_faults", "simulator_state"),
)
"""The settings that may be paths; relative ones start from the folder of the `defs.yaml`."""
OWN_DEFAULTS = {"catalog": "catalog.csv", "shots": "shots.yaml"}
_OF_THE_PROJECT = {
    "store": "Without it, and in sample mode, `.flux_assets/store` in the project's folder.",
    "simulator_state": "Without it, `.flux_assets/simulator` in the project's folder.",
}
_ENV_ONLY = r"^\s*\{\{\s*env(\.\w+|\(\s*['\"]\w+['\"]\s*\))\s*\}\}\s*$"
_TEMPLATE = r"\{[{%]"


class _OrTemplate:
    """Lets a text with a template stand for a value of any type, until it is rendered."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda value, check: value if is_template(value) else check(value), handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": _TEMPLATE}]}


def is_template(value: object) -> bool:
    """Whether a value is a text that is to be rendered."""
    return isinstance(value, str) and re.search(_TEMPLATE, value) is not None


class _Look(BaseModel):
    """How the assets look in Dagster; each of these for all of the shop's, unless it says more."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    key_prefix: str | list[str] | None = None
    """Goes before every asset key of this shop: `marketing`, or a list of parts."""
    partitions_name: str | None = None
    """Name of the dynamic partitions of `images/<shot>`; else `products`, after the shop's name."""
    group_name: str | None = None
    """Group of all assets; else `catalog` and `images`."""
    owners: list[str] | None = None
    """Owners of all assets: e-mail addresses, or teams as `team:catalog`."""
    tags: dict[str, str | int | float | bool] | None = None
    """Tags of all assets."""
    kinds: list[str] | None = None
    """Kinds of all assets, in place of their own."""
    automation_condition: str | None = None
    """When the refresh's assets, from `product_catalog` to `product_feeds`, are made by
    themselves, as `{{ dg.AutomationCondition.on_cron('0 3 * * *') }}`; buys pictures.
    """
    translation: str | AssetAttributesModel | None = None  # type: ignore[valid-type]
    """Attributes of each asset, as other components have them; templates may use `spec`, `name`
    (such as `image_plan`, or `images/hero`) and `shot`.
    """


LOOK_FIELDS = tuple(_Look.model_fields)


@cache
def attributes_model() -> type[BaseModel]:
    """What the `attributes:` of a `defs.yaml` may be."""
    meanings = dict(read_meanings())
    fields: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        meaning = " ".join(filter(None, (as_attributes(meanings[name]), _OF_THE_PROJECT.get(name))))
        if name in secret_fields():
            told = f"{meaning} Only as `{{{{ env.NAME }}}}`."
            info = Field(default=None, description=told, json_schema_extra={"pattern": _ENV_ONLY})
            fields[name] = (str | None, info)
            continue
        default = OWN_DEFAULTS.get(name, field.default)
        declared: Any = field.rebuild_annotation()
        fields[name] = (
            Annotated[declared, _OrTemplate()],
            Field(default=default, description=meaning),
        )
    return create_model("CatalogImagesAttributes", __base__=_Look, **fields)


@cache
def secret_fields() -> frozenset[str]:
    """The settings whose values stand in no file."""
    return frozenset(
        name for name, field in Settings.model_fields.items() if _holds_secret(field.annotation)
    )


def _holds_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def as_attributes(text: str) -> str:
    """A text that names environment variables, which are attributes here."""
    names: Mapping[str, str] = {variable_of(name): name for name in Settings.model_fields}
    return re.sub(
        r"\b[A-Z][A-Z0-9_]+\b", lambda found: names.get(found.group(), found.group()), text
    )


def read_meanings() -> Iterator[tuple[str, str]]:
    """Each setting, and the text below its field."""
    (declared,) = ast.parse(inspect.getsource(Settings)).body
    if not isinstance(declared, ast.ClassDef):
        raise TypeError(f"{declared} is no class")
    for field, below in pairwise(declared.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())
