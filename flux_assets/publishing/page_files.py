"""The page's own files: the same for the review server and a gallery, but for what it is told."""

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
CONTENT_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_TOLD = re.compile(r'(?P<name>data-(?:folder|live|token))="[^"]*"')
_BESIDE = re.compile(r'(?P<name>\b(?:src|href))="(?P<file>[a-z0-9_]+\.(?:js|css|svg))"')


def list_files() -> Iterator[Path]:
    """Each file of the page but its index."""
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in CONTENT_TYPES and path.name != INDEX:
            yield path


def build_index(*, data_folder: str, files_folder: str = "", token: str | None = None) -> bytes:
    """The page itself, which is told where its data are and whether it may decide.

    Args:
        data_folder: what the addresses of its data begin with.
        files_folder: what those of its own files begin with.
        token: of a server, which lets the page decide; None in a gallery.
    """
    told = {
        "data-folder": data_folder,
        "data-live": "false" if token is None else "true",
        "data-token": token or "",
    }
    text = (FOLDER / INDEX).read_text("utf-8")
    place = text.index(">", text.index("<html")) + 1
    begin, end = text[:place], text[place:]
    begin = _TOLD.sub(lambda it: f'{it["name"]}="{html.escape(told[it["name"]])}"', begin)
    end = _BESIDE.sub(lambda it: f'{it["name"]}="{files_folder}{it["file"]}"', end)
    return (begin + end).encode()
