"""What a directory keeps of its objects beside their bytes: content type and metadata."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flux_assets.errors import StoreError
from flux_assets.storage.durable_files import (
    make_directory,
    remove,
    sync_directory,
    temporary_file,
)
from flux_assets.storage.parquet_file import PARQUET

_CONTENT_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".parquet": PARQUET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is known of one body of an object."""

    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def default_description(key: str) -> Description:
    """What an object is that nothing is said about; changing it changes stored objects."""
    _, dot, extension = key.rpartition(".")
    content_type = _CONTENT_TYPES.get(dot + extension, "application/octet-stream")
    return Description(content_type=content_type)


class Descriptions:
    """One file for each object whose key's extension does not say it all.

    A file describes bodies by their etag, so that it may be written before its object's next body.
    """

    def __init__(self, folder: Path, *, temporary_folder: Path) -> None:
        self._folder = folder
        self._temporary_folder = temporary_folder

    def read(self, key: str) -> Mapping[str, Description]:
        """What is known of the bodies this key has, or is about to have, by their etag.

        Raises:
            StoreError: its file is damaged.
        """
        path = self.path_of(key)
        try:
            plain: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
            return {etag: Description(**fields) for etag, fields in plain.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            problem = "it is damaged; deleting it loses the metadata of this one object"
            raise StoreError(str(path), "read", problem) from error

    def write(self, key: str, descriptions: Mapping[str, Description]) -> None:
        """Describe these bodies of an object, and no others; on the disk when it returns."""
        path = self.path_of(key)
        plain = {
            etag: {"content_type": one.content_type, "metadata": dict(one.metadata)}
            for etag, one in descriptions.items()
        }
        make_directory(path.parent)
        with temporary_file(self._temporary_folder, [json.dumps(plain).encode()]) as (written, _):
            written.replace(path)
        sync_directory(path.parent)

    def delete(self, key: str) -> None:
        """Forget one object; nothing is wrong where nothing is known of it."""
        remove(self.path_of(key))

    def path_of(self, key: str) -> Path:
        """Where its file is, or would be."""
        return self._folder / f"{key}.json"
