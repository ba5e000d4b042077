"""Bytes from where a shop keeps them: a local path, `s3://bucket/key`, or `https://`."""

from flux_assets.storage.sources.address import SecretHeader, shown_uri
from flux_assets.storage.sources.edit import edit_bytes
from flux_assets.storage.sources.read import read_bytes, source_version

__all__ = ["SecretHeader", "edit_bytes", "read_bytes", "shown_uri", "source_version"]
