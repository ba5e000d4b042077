"""What `dg scaffold defs flux_assets.CatalogImages NAME` lays down: a component that runs."""

import os
import re
import shutil
from pathlib import Path

import click
from dagster.components import Scaffolder, ScaffoldRequest
from pydantic import BaseModel, ConfigDict

from flux_assets.defs.component_places import FILE_NAME, TYPE_NAME, find_files
from flux_assets.defs.never_committed import GITIGNORE, find_committed, put_gitignore
from flux_assets.defs.sample_files import find_sample_files

_YAML = """\
type: {type_name}

attributes:
  mode: sample              # free: nothing is sent or paid; `live` buys pictures
  {shop}
  catalog: {catalog:<16} # the shop's export: a path from this folder, s3:// or https://
  shots: shots.yaml         # the kinds of picture made of every product
  # channels: channels.yaml # where pictures are shown; without it, nothing is published
  # store: s3://bucket/pictures
  # onemin_api_key: "{{{{ env.ONEMIN_API_KEY }}}}"
  # max_images_per_run: 500
  # `flux-assets plan` shows what a run would buy and cost; it sends nothing.
"""
_NO_SHOP = "# shop: shoes            # goes before all names, where a project has several shops"
_PYTHON = """\
import dagster as dg
from flux_assets import CatalogImages


@dg.component_instance
def load(context: dg.ComponentLoadContext) -> CatalogImages:
    attributes = {attributes!r}
    return CatalogImages.from_attributes_dict(attributes=attributes, context=context)
"""


class ScaffoldParams(BaseModel):
    """What can be said while scaffolding."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    shop: str | None = None
    """Goes before asset keys, job, partitions and store keys, for several shops in one project."""


class CatalogImagesScaffolder(Scaffolder[ScaffoldParams]):
    """Lays down a `defs.yaml`, with the sample catalog, its shots and photos beside it."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        """The options of the command."""
        return ScaffoldParams

    def scaffold(self, request: ScaffoldRequest[ScaffoldParams]) -> None:
        """Write the files; one that is there already is left as it is.

        Raises:
            UsageError: it is to be put into a file with others, where its own files have no place.
        """
        if request.append:
            raise click.UsageError(f"{TYPE_NAME} takes a folder of its own, for its catalog")
        folder = request.target_path
        shop = request.params.shop or _propose_shop(folder, request.project_root)
        if request.scaffold_format == "python":
            attributes = {"catalog": "catalog.csv", "shots": "shots.yaml"}
            attributes |= {"shop": shop} if shop else {}
            _write(folder / "component.py", _PYTHON.format(attributes=attributes))
        else:
            _write(folder / FILE_NAME, build_defs_yaml("catalog.csv", shop))
        sample = find_sample_files() / "data"
        for source in sorted(path for path in sample.rglob("*") if path.is_file()):
            target = folder / source.relative_to(sample)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(source, target)
        if request.project_root is not None:
            _put_instance_config(request.project_root / "dagster.yaml")
            _keep_from_git(request.project_root)


def build_defs_yaml(catalog: str, shop: str | None = None) -> str:
    """The `defs.yaml` of a component that runs as it is, beside its catalog and shots file."""
    line = f"shop: {shop}" if shop else _NO_SHOP
    return _YAML.format(type_name=TYPE_NAME, shop=line, catalog=catalog)


def _put_instance_config(path: Path) -> None:
    """Without one, or a DAGSTER_HOME, `dg launch` knows no product of the run before."""
    if not path.exists() and "DAGSTER_HOME" not in os.environ:
        shutil.copyfile(find_sample_files() / path.name, path)
        click.echo(f"Put {path}: Dagster keeps its runs in .flux_assets/dagster, as it says.")


def _keep_from_git(project: Path) -> None:
    if put_gitignore(project):
        click.echo(f"Put {project / GITIGNORE}: it names what must not be committed.")
    elif missing := find_committed(project):
        lines = " and ".join(missing)
        click.echo(f"`git add .` would commit {lines}: put that into {project / GITIGNORE}.")


def _write(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text, "utf-8")


def _propose_shop(folder: Path, project: Path | None) -> str | None:
    """The folder's name where the project has a shop already: two need names of their own."""
    if not find_files(project or folder.parent):
        return None
    name = re.sub(r"[^a-z0-9_]+", "_", folder.name.lower()).strip("_")
    return re.sub(r"^(?=[^a-z])", "shop_", name)[:40]
