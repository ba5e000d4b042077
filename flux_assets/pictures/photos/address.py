"""Where the photo lies that a catalog's cell names."""

import posixpath
import re
from pathlib import Path
from urllib.parse import urljoin

from flux_assets.errors import PhotoUnusableError
from flux_assets.pictures.photos.share_links import describe_share_link
from flux_assets.storage.sources.address import scheme_of, shown_uri

_ANY_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_MAX_CHARACTERS = 2048
_SHOWN_CHARACTERS = 200


def locate_photo(uri: str, *, beside: str) -> str:
    """The full address of a photo: `http(s)://`, `s3://`, or a path.

    Args:
        uri: a cell's text: a full address, one without its scheme (`//host/...`, taken for
            https), or a path below the folder of the catalog.
        beside: the catalog's own path or URI.

    Raises:
        PhotoUnusableError: it is none of these, or leads out of the catalog's folder.
    """
    text = uri.strip()
    if text[:5].lower() == "data:":
        text = text.partition(",")[0]  # what follows is the picture itself
    if not text:
        raise PhotoUnusableError("(no address)", "there is nothing in the cell; fill it in")
    if len(text) > _MAX_CHARACTERS or not text.isprintable():
        problem = "is no address: it is too long, or holds characters that none has; correct it"
        raise _unusable(text, problem)
    if text.startswith("//"):
        text = f"https:{text}"
    scheme = _ANY_SCHEME.match(text)
    if scheme:
        return _full_address(text, scheme[1])
    if scheme_of(beside) in {"http", "https"}:
        return urljoin(beside, text)
    if scheme_of(beside) == "s3":
        return _key_beside(text, beside)
    return _path_beside(text, beside)


def _full_address(text: str, scheme: str) -> str:
    """One with its scheme in small letters, and no page in a photo's place."""
    rest = text[len(scheme) + 1 :]
    if scheme.lower() not in {"http", "https", "s3"}:
        problem = (
            f"{scheme}: is not supported; give https://, http://, s3:// or a path that starts "
            "at the catalog's folder"
        )
        raise _unusable(text, problem)
    problem = describe_share_link(text)
    if not rest.startswith("//"):
        problem = f"is no complete address; write {scheme}://..."
    if problem:
        raise _unusable(text, problem)
    return f"{scheme.lower()}:{rest}"


def _key_beside(text: str, catalog: str) -> str:
    bucket, _, key = catalog[len("s3://") :].partition("/")
    folder = posixpath.dirname(key)
    found = posixpath.normpath(posixpath.join(folder, text))
    is_below = found.startswith(f"{folder}/") if folder else found.split("/")[0] not in {".", ".."}
    if text.startswith("/") or not is_below:
        raise _outside(text)
    return f"s3://{bucket}/{found}"


def _path_beside(text: str, catalog: str) -> str:
    """The path with all symbolic links followed, so that none leads out of the folder."""
    folder = Path(catalog).parent
    try:
        found = (folder / text).resolve()
        is_below = found.is_relative_to(folder.resolve()) and not _is_link(found)
    except (OSError, RuntimeError):  # a circle of links, before Python 3.13
        is_below = False
    if not is_below or Path(text).is_absolute():
        raise _outside(text)
    return str(folder / text)


def _is_link(path: Path) -> bool:
    """Whether a path whose links were followed is one still: it leads in a circle."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def _outside(text: str) -> PhotoUnusableError:
    problem = (
        "leads out of the catalog's folder; put the photo below it and give the path from there"
    )
    return _unusable(text, problem)


def _unusable(text: str, problem: str) -> PhotoUnusableError:
    shown = shown_uri(text)
    if len(shown) > _SHOWN_CHARACTERS or not shown.isprintable():
        shown = f"{ascii(shown[:_SHOWN_CHARACTERS])[1:-1]}..."
    return PhotoUnusableError(shown, problem)
