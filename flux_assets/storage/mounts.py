"""Whether the file system below a directory store keeps two machines apart; if not, it is named."""

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_BUCKETS = re.compile(
    r"fuse\.(?:s3|gcsfuse|goofys|geesefs|rclone|mount-s3|mountpoint-s3|blobfuse|ossfs|cosfs|juicefs-s3)\w*"
)
_LOCAL_LOCKS = {"nolock", "local_lock=all", "local_lock=flock", "nobrl"}
_ANOTHER = "choose with FLUX_ASSETS_STORE a bucket (s3://...) or a folder of another file system"


def why_unsafe(path: Path, mounts: str | None = None) -> str:
    """Why two machines could buy the same picture into this folder; "" where nothing says so.

    Args:
        path: the folder, or where it will be.
        mounts: this machine's, as Linux tells them; by default as it does now.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text("utf-8", errors="replace")
        except OSError:  # no Linux: it is not told
            return ""
    kind, options = _mount_of(path, mounts)
    if _BUCKETS.fullmatch(kind):
        return (
            f"its file system ({kind}) is a bucket that only looks like a folder, where two runs "
            f"could pay for the same picture; {_ANOTHER}"
        )
    if local := sorted(_LOCAL_LOCKS & options):
        return (
            f"it is mounted with {', '.join(local)}, so that its locks hold on one machine only "
            "and two could pay for the same picture; mount it without, or "
            f"{_ANOTHER}"
        )
    return ""


def _mount_of(path: Path, mounts: str) -> tuple[str, set[str]]:
    """The type and the options of the mount that a path lies in; the last of equals is on top."""
    found: tuple[int, str, set[str]] = (-1, "", set())
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, described = before.split(), after.split()
        if len(fields) < 6 or len(described) < 1:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= found[0]:
            options = {
                *fields[5].split(","),
                *(described[2].split(",") if len(described) > 2 else ()),
            }
            found = (len(point.parts), described[0], options)
    return found[1], found[2]
