"""What of a shop's folder no repository should hold: the vendor's key, and what runs make."""

import subprocess
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

GITIGNORE = ".gitignore"
GITIGNORE_TEXT = """\
# The vendor's key.
.env
# What runs make: pictures, the ledger of what was paid, Dagster's own files.
.flux_assets/
"""
_INSIDE = {".env": "", ".flux_assets/": "store"}
"""Each line of it, with a name below it to ask git for: a folder may not be there yet."""


def find_committed(folder: Path) -> Sequence[str]:
    """The lines of ours that are still missing: `git add .` would add what they name.

    Git itself says so where the folder is in a repository, by its files alone: what one person's
    own settings ignore, others would commit. Elsewhere the folder's `.gitignore` is read.
    """
    asked = {f"{line}{inside}": line for line, inside in _INSIDE.items()}
    ignored = _ask_git(folder, list(asked))
    if ignored is None:
        rules = _read_rules(folder / GITIGNORE)
        return [line for line in _INSIDE if not _is_ignored(line, rules)]
    return [line for path, line in asked.items() if path not in ignored]


def put_gitignore(folder: Path) -> bool:
    """Make a `.gitignore`, where there is none and one is needed."""
    path = folder / GITIGNORE
    if path.exists() or not find_committed(folder):
        return False
    path.write_text(GITIGNORE_TEXT, "utf-8")
    return True


def _ask_git(folder: Path, paths: Sequence[str]) -> Sequence[str] | None:
    """Those of the paths that are ignored; None where git cannot tell."""
    command = ["git", "-c", "core.excludesFile=/dev/null", "-C", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - two paths of ours
            [*command, "check-ignore", "--no-index", "--", *paths],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.splitlines() if done.returncode in {0, 1} else None


def _read_rules(path: Path) -> Sequence[str]:
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines()]


def _is_ignored(line: str, rules: Sequence[str]) -> bool:
    """Whether the last rule that takes it ignores it, as git has it."""
    is_ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**").removeprefix("/")
        if line.endswith("/"):
            pattern = pattern.removesuffix("**").removesuffix("*").removesuffix("/") or pattern
        if pattern and fnmatchcase(line.removesuffix("/"), pattern):
            is_ignored = not rule.startswith("!")
    return is_ignored
