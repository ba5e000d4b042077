"""Where a benchmark of CPU time has its files: nothing is deleted until the process ends.

An ext4 without a journal looks, for each new file, past every one that was deleted in the last
minutes: after some thousands, a claim of the ledger takes 1.2 ms of CPU time instead of 0.5.
"""

import atexit
import shutil
import tempfile
from pathlib import Path


def make_scratch_folder() -> Path:
    """A new folder, which goes when the process does."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
