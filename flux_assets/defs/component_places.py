"""Where the components of a Dagster project are; told without Dagster."""

import tomllib
from pathlib import Path

FILE_NAME = "defs.yaml"
TYPE_NAME = "flux_assets.CatalogImages"


def find_project(folder: Path) -> Path | None:
    """The folder of the `dg` project around a folder."""
    for around in (folder, *folder.parents):
        if read_root_module(around):
            return around
    return None


def find_files(project: Path) -> list[Path]:
    """Every `defs.yaml` of a project that is one of ours."""
    module = read_root_module(project) or ""
    parts = Path(*module.split("."))
    found = [
        path
        for top in (project / "src" / parts, project / parts)
        for path in sorted(top.rglob(FILE_NAME))
    ]
    return [path for path in found if TYPE_NAME in path.read_text("utf-8", errors="replace")]


def read_root_module(project: Path) -> str | None:
    """The root module, where the folder is that of a project."""
    try:
        said = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    module = said.get("tool", {}).get("dg", {}).get("project", {}).get("root_module")
    return module if isinstance(module, str) else None
