"""What the operating system refuses, in words that say what to do."""

import errno
import os
from pathlib import Path

from flux_assets.errors import FluxAssetsError

_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EROFS: "the file system is read-only: work in a folder that can be written to",
    errno.EACCES: "permission denied: give this user access, or work in a folder of its own",
    errno.EPERM: "not permitted: give this user access, or work in a folder of its own",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away",
    errno.EEXIST: "a file stands where a folder is needed: move it away",
    errno.ENOENT: "there is no such file or folder: create it, or correct its name",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
    errno.EADDRINUSE: "the port is in use: choose another one with --port",
    errno.EIO: "the disk cannot be read or written: see its health, or the network to it",
    errno.ESTALE: "the network file system has lost the file: mount it again",
}


class MachineError(FluxAssetsError):
    """The operating system refuses what is needed."""


def explain_refusal(error: OSError) -> str:
    """What is refused, and what to do; "" where that cannot be told."""
    advice = _ADVICE.get(error.errno or 0)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{advice}, then start again" if advice else ""


def find_obstacle(folder: Path) -> str:
    """Why a folder could not be made or written to, as the system calls it; "" where it could."""
    nearest = next(it for it in (folder, *folder.parents) if os.access(it, os.F_OK))
    if not nearest.is_dir():
        return os.strerror(errno.ENOTDIR)
    return "" if os.access(nearest, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
