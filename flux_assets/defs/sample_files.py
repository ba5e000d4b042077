"""Where the sample catalog, its shots and photos lie."""

from pathlib import Path

import flux_assets


def find_sample_files() -> Path:
    """The folder that has `data/`: a wheel carries it inside the package, a checkout beside it."""
    package = Path(flux_assets.__file__).parent
    packaged = package / "sample"
    return packaged if packaged.is_dir() else package.parent
