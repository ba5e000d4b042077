"""The component that the commands act on: the one that is named, or the project's only one."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flux_assets.defs.component_places import FILE_NAME, find_files, find_project, read_root_module
from flux_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from flux_assets.defs.component import CatalogImages
    from flux_assets.defs.names import Names

OPTION = "--component"


def component_file() -> Path | None:
    """The `defs.yaml`, None where the environment alone says what the shop is.

    Raises:
        UsageError: the project around the working folder has several, and none is named.
    """
    context = click.get_current_context(silent=True)
    named: Path | None = context.find_root().params.get("component") if context else None
    return named.absolute() if named else _find_file(Path.cwd())


@cache
def _find_file(folder: Path) -> Path | None:
    project = find_project(folder)
    found = find_files(project) if project else []
    here = [path for path in found if path == folder / FILE_NAME] or found
    if len(here) > 1:
        listed = ", ".join(os.path.relpath(path, folder) for path in here)
        raise click.UsageError(f"this project has several shops; choose one: {OPTION} {listed}")
    return here[0] if here else None


def find_component() -> "CatalogImages | None":
    """The component, read with the project's `.env` as `dg` reads it.

    Raises:
        UsageError: as `component_file`.
        ComponentError: it cannot be used.
    """
    path = component_file()
    return _read(path) if path else None


@cache
def _read(path: Path) -> "CatalogImages":
    from dotenv import dotenv_values

    from flux_assets.defs.component_files import read_component

    project = find_project(path.parent)
    for name, text in dotenv_values(project / ".env").items() if project else ():
        if text is not None:
            os.environ.setdefault(name, text)
    return read_component(path)


def find_settings(*, buys: bool = True) -> Settings:
    """Of the component, else of the environment.

    Args:
        buys: as for `load_settings`; a component's shop always could.

    Raises:
        SettingsError, ComponentError, UsageError: they cannot be used.
    """
    component = find_component()
    return component.settings if component else load_settings(os.environ, buys=buys)


def find_names(settings: Settings) -> "Names":
    """What everything of this shop is called in Dagster."""
    from flux_assets.defs.names import Names

    component = find_component()
    return component.names if component else Names(shop=settings.shop)


def find_definitions() -> str:
    """The module that has the shop among its definitions: the project's, else ours."""
    component = find_component()
    module = read_root_module(component.project) if component else None
    return f"{module or 'flux_assets'}.definitions"


def base_folder() -> Path:
    """Where Dagster's own files are: the component's project, else the working folder."""
    component = find_component()
    return component.project if component else Path()
