"""Places that one process has alone: by a lock that ends with it, however it ends."""

import errno
import fcntl
import os
from pathlib import Path


def take_alone(path: Path, told: str) -> str | None:
    """Take a place for this process and for what it becomes by `exec`; its children do not have it.

    Args:
        path: the lock's file, which stays; where none can be made, everybody has the place.
        told: what others are told of who has it.

    Returns:
        What its holder has told, where another process has it; None where this one has it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            is_taken = error.errno in {errno.EWOULDBLOCK, errno.EACCES}
            return file.read() if is_taken else None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, told.encode())
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - it takes no name
    return None
