"""What git would commit of a shop's folder, told by git itself, and without it."""

import subprocess
from pathlib import Path

import pytest

from flux_assets.defs.never_committed import (
    GITIGNORE,
    GITIGNORE_TEXT,
    find_committed,
    put_gitignore,
)

ENV, RUNS = ".env", ".flux_assets/"
RULES = [
    ("", [ENV, RUNS]),
    ("*.log\n.venv/\n", [ENV, RUNS]),
    (GITIGNORE_TEXT, []),
    (".env\n", [RUNS]),
    ("/.flux_assets\n", [ENV]),
    (".env*\n!.env.example\n.flux_assets/*\n", []),
    ("**/.env\n/.flux_assets/**\n", []),
    ("*\n!.gitignore\n", []),
    (".env\n.flux_assets/\n!.env\n", [ENV]),
    ("# .env\n#.flux_assets/\n", [ENV, RUNS]),
    (".env.local\n.flux_assets_old/\n", [ENV, RUNS]),
    (".env/\n.flux_assets/\n", [ENV]),  # a folder of that name alone
    ("other/.env\n\n  \n.flux_assets/\n", [ENV]),
    (".env\r\n.flux_assets/\r\n", []),
]


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.hooksPath=/")
    return subprocess.run(  # noqa: S603 - git with a test's own words
        ["git", "-C", str(folder), *identity, *arguments],  # noqa: S607 - whichever is there
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")


@pytest.mark.parametrize("is_repository", [True, False])
@pytest.mark.parametrize(("text", "missing"), RULES)
def test_what_its_gitignore_leaves_is_named(
    tmp_path: Path, text: str, missing: list[str], *, is_repository: bool
) -> None:
    if is_repository:
        _git(tmp_path, "init", "-q")
    _write(tmp_path / GITIGNORE, text)
    assert find_committed(tmp_path) == missing


@pytest.mark.parametrize(("text", "missing"), RULES)
def test_without_git_its_gitignore_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, missing: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _write(tmp_path / GITIGNORE, text)
    assert find_committed(tmp_path) == missing


@pytest.mark.parametrize(
    ("above", "missing"),
    [
        (".env\n.flux_assets/\n", []),
        (".env\n", [RUNS]),
        ("/.env\n/.flux_assets/\n", [ENV, RUNS]),  # of the repository's own folder alone
        ("shops/*/.env\nshops/**/.flux_assets/\n", []),
    ],
)
def test_a_repository_above_may_ignore_them_already(
    tmp_path: Path, above: str, missing: list[str]
) -> None:
    _git(tmp_path, "init", "-q")
    _write(tmp_path / GITIGNORE, above)
    shop = tmp_path / "shops/shoes"
    shop.mkdir(parents=True)
    assert find_committed(shop) == missing
    assert put_gitignore(shop) == bool(missing)
    assert find_committed(shop) == []


def test_what_one_person_ignores_everywhere_others_would_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    _write(tmp_path / ".config/git/ignore", ".env\n.flux_assets/\n")
    shop = tmp_path / "shop"
    shop.mkdir()
    _git(shop, "init", "-q")
    assert _git(shop, "check-ignore", ".env") == ".env\n"
    assert find_committed(shop) == [ENV, RUNS]


def test_one_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    _write(tmp_path / GITIGNORE, "*.log\n")
    assert not put_gitignore(tmp_path)
    assert (tmp_path / GITIGNORE).read_text("utf-8") == "*.log\n"


def test_with_ours_git_adds_neither_the_key_nor_what_runs_make(tmp_path: Path) -> None:
    assert put_gitignore(tmp_path)
    _git(tmp_path, "init", "-q")
    for name in (".env", ".env.example", ".flux_assets/store/store.json", "data/shots.yaml"):
        _write(tmp_path / name, "x")
    _git(tmp_path, "add", ".")
    assert _git(tmp_path, "ls-files").split() == [".env.example", ".gitignore", "data/shots.yaml"]
