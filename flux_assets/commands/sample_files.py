"""What the demo starts from: the sample catalog, its shots and photos, and Dagster's settings."""

import shutil
from collections.abc import MutableMapping
from pathlib import Path

from flux_assets.defs.never_committed import put_gitignore
from flux_assets.defs.sample_files import find_sample_files
from flux_assets.settings import variable_of

DATA = "data"
CHANNELS = "channels.yaml"
INSTANCE_CONFIG = "dagster.yaml"


def put_sample_files(folder: Path) -> bool:
    """Give a folder without `data` the sample one, Dagster's settings, and what git is to ignore.

    A checkout has both; a folder in which the installed package is tried has neither.

    Returns:
        Whether anything was put there.
    """
    if (folder / DATA).exists():
        return False
    source = find_sample_files()
    shutil.copytree(source / DATA, folder / DATA)
    if not (folder / INSTANCE_CONFIG).exists():
        shutil.copyfile(source / INSTANCE_CONFIG, folder / INSTANCE_CONFIG)
    put_gitignore(folder)
    return True


def name_channels(folder: Path, environ: MutableMapping[str, str]) -> str:
    """Let the folder's channels file be used, unless the environment says something of one.

    Returns:
        What does the same in a shell; nothing where it is not so.
    """
    variable, path = variable_of("channels"), folder / DATA / CHANNELS
    if variable in environ or not path.exists():
        return ""
    environ[variable] = str(path)
    return f"{variable}={path}"
