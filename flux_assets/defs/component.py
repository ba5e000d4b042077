"""`flux_assets.CatalogImages`: a shop as a component of somebody's own Dagster project."""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster import DagsterError
from dagster.components.utils.translation import TranslatorResolvingInfo
from dagster_shared.check import CheckError
from pydantic import BaseModel

from flux_assets.defs.component_attributes import attributes_model
from flux_assets.defs.component_scaffold import CatalogImagesScaffolder
from flux_assets.defs.component_values import ComponentValues, Place, read_values
from flux_assets.defs.executors import build_executor
from flux_assets.defs.names import TABLES, Names
from flux_assets.defs.shop_definitions import build_shop
from flux_assets.prompts.shot_names import ShotNames, find_shot_names
from flux_assets.settings import Settings

_SPEC_ATTRIBUTES = ("group_name", "owners", "kinds")


@dg.scaffold_with(CatalogImagesScaffolder)
class CatalogImages(dg.Component):
    """Pictures of a shop's products, bought once: from its export to prompts to the store.

    Without a word about mode it is a sample: free, nothing leaves the machine.
    """

    def __init__(self, values: ComponentValues, place: Place) -> None:
        self._values = values
        self._place = place
        self._check_look()

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The settings as attributes, and how the assets look."""
        return attributes_model()

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """The component as its `defs.yaml` has it.

        Raises:
            ComponentError: an attribute cannot be used.
        """
        path = context.path
        place = Place(
            folder=path if path.is_dir() else path.parent,
            project=context.project_root,
            context=context.resolution_context.at_path("attributes"),
        )
        return cls(read_values(attributes, place), place)

    @property
    def settings(self) -> Settings:
        """Of its shop."""
        return self._values.settings

    @property
    def where(self) -> str:
        """Where it stands, for people."""
        tree = self._place.context.source_position_tree
        return str(tree.position) if tree else str(self._place.folder)

    @property
    def project(self) -> Path:
        """The folder of the project that it is in."""
        return self._place.project

    @cached_property
    def names(self) -> Names:
        """What everything of its shop is called in Dagster."""
        return Names(
            shop=self.settings.shop,
            products=self._values.look.get("partitions_name"),
            translate_key=cache(lambda key: self.get_asset_spec(self._prefixed(key)).key),
            shots=self._shots.names,
        )

    def get_asset_spec(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        """An asset as it is shown: as `translation` says. For subclasses to say otherwise."""
        translation = self._values.look.get("translation")
        if translation is None:
            return spec
        name = spec.metadata[_NAME]
        info = TranslatorResolvingInfo(
            asset_attributes=translation,
            resolution_context=self._place.context,
            model_key="translation",
        )
        shot = name.partition("/")[2]
        return info.get_asset_spec(spec, {"spec": spec, "name": name, "shot": shot})

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Everything of its shop, and nothing that decides for others.

        Raises:
            ComponentError: another component of the project has the same shop.
        """
        for other in _find_all(context):
            if other.settings.shop == self.settings.shop and other.where != self.where:
                problem = f"{other.where} is the same shop; give each of them a `shop` of its own"
                raise self._place.error("shop", problem)
        return self.build_shop()

    def build_shop(self) -> dg.Definitions:
        """The same, wherever it is loaded."""
        executor = build_executor(self.settings, self.names, self._values.variables)
        return build_shop(self.settings, self.names, executor, self._shots, self._reshape)

    @cached_property
    def _shots(self) -> ShotNames:
        return find_shot_names(self.settings)

    @cached_property
    def _plain_keys(self) -> dict[dg.AssetKey, dg.AssetKey]:
        """Each asset's usual key, by the one that it has here."""
        paths = [*([name] for name in TABLES), *(["images", shot] for shot in self._shots.names)]
        return {self.names.key(*path): self.names.plain_key(*path) for path in paths}

    def _prefixed(self, plain: dg.AssetKey, spec: dg.AssetSpec | None = None) -> dg.AssetSpec:
        """What is translated: the asset under its prefix, with its name."""
        prefix = self._values.look.get("key_prefix")
        key = plain.with_prefix(prefix) if prefix else plain
        name = "/".join(plain.path[1:] if self.settings.shop else plain.path)
        base = spec or dg.AssetSpec(key)
        return base.replace_attributes(key=key).merge_attributes(metadata={_NAME: name})

    def _reshape(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        look = self._values.look
        given = {name: look[name] for name in _SPEC_ATTRIBUTES if name in look}
        is_of_refresh = self.names.is_ours(spec.key) and not self.names.is_picture(spec.key)
        if "automation_condition" in look and is_of_refresh:
            given["automation_condition"] = look["automation_condition"]
        shaped = spec.replace_attributes(**given).merge_attributes(tags=_tags(look))
        translated = self.get_asset_spec(self._prefixed(self._plain_keys[spec.key], shaped))
        if translated.partitions_def != spec.partitions_def:
            problem = (
                "partitions_def cannot be set, since partition_by says what the partitions are"
            )
            raise self._place.error("translation", problem)
        metadata = {name: it for name, it in translated.metadata.items() if name != _NAME}
        return translated.replace_attributes(key=spec.key, metadata=metadata)

    def _check_look(self) -> None:
        """Tell by its line what Dagster would refuse of all assets at once."""
        look = self._values.look
        for name in (*_SPEC_ATTRIBUTES, "tags", "automation_condition", "key_prefix"):
            if name not in look:
                continue
            try:
                if name == "key_prefix":
                    self._prefixed(dg.AssetKey("image_plan"))
                else:
                    value: Any = _tags(look) if name == "tags" else look[name]
                    dg.AssetSpec("image_plan").replace_attributes(**{name: value})
            except (DagsterError, CheckError) as error:
                raise self._place.error(name, " ".join(str(error).split())) from None


def _find_all(context: dg.ComponentLoadContext) -> Sequence[CatalogImages]:
    """Every one of the project's."""
    try:
        return context.component_tree.get_all_components(of_type=CatalogImages)
    except CheckError:  # Dagster's stand-in for a project, in which a test builds one by itself
        return ()


_NAME = "flux_assets/name"
"""Where an asset's own name stands while it is translated."""


def _tags(look: Any) -> dict[str, str]:  # noqa: ANN401 - of any values
    return {name: str(value) for name, value in (look.get("tags") or {}).items()}
