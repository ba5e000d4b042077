"""A folder to begin with, laid down as `flux-assets init` does: nothing in it is overwritten."""

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from rich.markup import escape

import flux_assets
from flux_assets.catalog import read_catalog
from flux_assets.catalog.proposal import propose_columns
from flux_assets.commands.people import answers, people
from flux_assets.commands.proposed_channels import propose_channels
from flux_assets.commands.proposed_shots import propose_shots
from flux_assets.commands.reports_shown import show_report
from flux_assets.commands.sample_files import CHANNELS, DATA, INSTANCE_CONFIG
from flux_assets.defs.component_places import FILE_NAME
from flux_assets.defs.component_scaffold import build_defs_yaml
from flux_assets.defs.never_committed import GITIGNORE, GITIGNORE_TEXT, find_committed
from flux_assets.defs.reports import catalog_report
from flux_assets.defs.sample_files import find_sample_files
from flux_assets.errors import SourceError
from flux_assets.settings import variable_of
from flux_assets.storage.sources import read_bytes, shown_uri

_CATALOG = "catalog.csv"
_SHOTS = "shots.yaml"
_ENV = ".env.example"
_COMPONENT = "pictures"
_TEXTS = {"", ".csv", ".tsv", ".txt", ".tab"}
"""What is a table of text whatever it is called, so that its copy may be `catalog.csv`."""


def lay_down(folder: Path, export: str | None) -> None:
    """Put what a shop needs into a folder, for an export or with the sample, and say what is there.

    Raises:
        SourceError, CatalogError: the export cannot be read; then nothing is made.
        OSError: the folder cannot be written to.
    """
    defs = _find_defs(folder)
    place = defs / _COMPONENT if defs else folder / DATA
    name, data = _CATALOG, _for_sample()
    if export:
        name, data = _for_export(export)
    elif (place / name).exists():  # whose own products the sample's photos do not show
        data = {path: content for path, content in data.items() if "/" not in path}
    files = {place / path: content for path, content in data.items()}
    if defs:
        files[place / FILE_NAME] = build_defs_yaml(name).encode()
    files[folder / INSTANCE_CONFIG] = (find_sample_files() / INSTANCE_CONFIG).read_bytes()
    files[folder / _ENV] = Path(__file__).with_name("env.example").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    ignores = folder / GITIGNORE
    if ignores.exists() or find_committed(folder):
        files[ignores] = GITIGNORE_TEXT.encode()
    made = [path for path, content in files.items() if _put(path, content)]
    for path in files:
        told = "Made" if path in made else "Left as it is, for it is there already:"
        answers.print(f"{told} {escape(str(path))}", soft_wrap=True)
    if missing := find_committed(folder):
        _tell_committed(ignores, missing)
    catalog = f"{DATA}/{name}"
    if export and place / name not in made:
        catalog = export if "://" in export else str(Path(export).absolute())
    _say_what_is_next(folder, catalog, is_component=defs is not None)


def _tell_committed(path: Path, missing: Sequence[str]) -> None:
    lines = " and ".join(missing)
    people.print(
        f"[bold yellow]Warning:[/] `git add .` would commit what must not be: put {lines} "
        f"into {escape(str(path))}, each on a line of its own.",
        soft_wrap=True,
    )


def _for_sample() -> Mapping[str, bytes]:
    source = find_sample_files() / DATA
    return {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }


def _for_export(export: str) -> tuple[str, Mapping[str, bytes]]:
    """The name of the export's copy, and the files for it: shots and channels are proposed."""
    data = read_bytes(export)
    name = PurePosixPath(shown_uri(export)).name
    proposal = propose_columns(data, name)
    catalog = read_catalog(data, name, columns=proposal.guessed)
    sample = find_sample_files() / DATA
    suffix = PurePosixPath(name).suffix.lower()
    copied = _CATALOG if suffix in _TEXTS else f"catalog{suffix}"
    show_report(catalog_report(catalog))
    for field, header in proposal.guessed.items():
        answers.print(
            f"No column is recognised as the {field}; {header!r} is a guess, to be looked at in "
            "the plan.",
            markup=False,
            soft_wrap=True,
        )
    shots = propose_shots((sample / _SHOTS).read_text("utf-8"), catalog, proposal)
    channels = propose_channels((sample / CHANNELS).read_text("utf-8"), name, proposal)
    return copied, {copied: data, _SHOTS: shots.encode(), CHANNELS: channels.encode()}


def _put(path: Path, content: bytes) -> bool:
    """Make one file; False where there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _find_defs(folder: Path) -> Path | None:
    """Where a `dg` project in this folder keeps its definitions; None where it is none."""
    pyproject = _read_toml(folder / "pyproject.toml").get("tool", {}).get("dg", {})
    for config in (pyproject, _read_toml(folder / "dg.toml")):
        project = config.get("project", {})
        root = project.get("root_module")
        if config.get("directory_type") != "project" or root in {None, flux_assets.__name__}:
            continue
        module = str(project.get("defs_module", f"{root}.defs")).replace(".", "/")
        places = (folder / "src" / module, folder / module)
        return next((it for it in places if it.exists()), places[0])
    return None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SourceError(str(path), f"it cannot be read as TOML: {error}") from error


def _say_what_is_next(folder: Path, catalog: str, *, is_component: bool) -> None:
    steps = []
    if folder.resolve() != Path.cwd():
        steps.append(f"cd {shlex.quote(str(folder))}")
    if catalog != f"{DATA}/{_CATALOG}" and not is_component:
        steps.append(f"export FLUX_ASSETS_CATALOG={shlex.quote(catalog)}")
    steps += (
        ["dg check defs", "dg dev"]
        if is_component
        else [
            "flux-assets plan                  # free: what would be bought, and the words",
            "flux-assets refresh --limit 20    # free, in sample mode: the first 20 pictures",
            f"export {variable_of('channels')}={DATA}/{CHANNELS}",
            "flux-assets publish               # free: files and feeds for sales channels",
            "flux-assets dev                   # the Dagster UI",
        ]
    )
    lines = "\n".join(f"  {step}" for step in steps)
    answers.print(f"\nNext:\n{lines}", markup=False, soft_wrap=True)
