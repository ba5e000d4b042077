"""Renditions made of stored pictures: what is missing, made and stored, and the table of them.

A run with nothing new decodes nothing and stores nothing; what a crash left unnoted is found again
by its key, and measured as it lies there.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from flux_assets.errors import ObjectNotFoundError, PictureError
from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.profile import Recipe, digest_profile, mark_of, resolve
from flux_assets.publishing.render import OpenedMaster, open_master
from flux_assets.publishing.rendition_files import RenditionFile, put_files, read_files
from flux_assets.publishing.rendition_table import (
    Master,
    RenditionRow,
    build_frame,
    find_missing,
    merge_renditions,
    open_renditions,
)
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parallel import map_on_cores

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

_MASTERS_BETWEEN_MERGES = 2_000


class Problem(NamedTuple):
    """A picture that no rendition could be made of."""

    product_id: str
    shot: str
    problem: str


@dataclass(kw_only=True)
class RenditionReport:
    """What became of some pictures: how many were rendered, and how many files were stored."""

    masters: int = 0
    stored: int = 0
    stored_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: "RenditionReport") -> None:
        """Take in another one."""
        self.masters += other.masters
        self.stored += other.stored
        self.stored_bytes += other.stored_bytes
        self.problems += other.problems

    def to_json(self) -> dict[str, Any]:
        """The plain form."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(**{**plain, "problems": [Problem(*it) for it in plain["problems"]]})


def refresh_renditions(
    store: ObjectStore,
    channels: ChannelsFile,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> tuple[RenditionReport, int]:
    """Make and store every rendition that is missing, and bring the table up to date.

    Args:
        store: of the pictures.
        channels: which say what is made of them.
        tell: is told now and then how many pictures are done, of how many.

    Returns:
        What was done, and how many renditions there are now.

    Raises:
        StoreError: the store cannot be read or written; what was made is not made again.
    """
    report, count = RenditionReport(), 0
    manifest = open_manifest(store)
    if manifest is None:
        return report, count
    missing = find_missing(manifest, open_renditions(store), channels)
    for start in range(0, len(missing) or 1, _MASTERS_BETWEEN_MERGES):
        batch = missing[start : start + _MASTERS_BETWEEN_MERGES]
        made, of_batch = make_renditions(store, batch, channels)
        report.add(of_batch)
        # Another run may have added to both meanwhile: its rows are wanted, too.
        manifest = open_manifest(store) or manifest
        count = merge_renditions(store, manifest, channels, [made]).row_count
        tell(report.masters, len(missing))
    return report, count


def make_renditions(
    store: ObjectStore,
    masters: Iterable[Master],
    channels: ChannelsFile,
    threads: int | None = None,
) -> "tuple[pd.DataFrame, RenditionReport]":
    """Make and store what some pictures lack; at most twice `threads` of them are held at a time.

    These are one for each core unless given. A picture that is missing or damaged is named, and the
    others go on.

    Returns:
        The new rows of the table, and what was done.

    Raises:
        StoreError: the store cannot be read or written.
    """
    return _collect(partial(_make, store, channels, put_files), masters, threads)


def read_renditions(
    store: ObjectStore, masters: Iterable[Master], channels: ChannelsFile
) -> "tuple[pd.DataFrame, RenditionReport]":
    """Read what some pictures lack from what lies in the store, and put nothing.

    A file that is not there, or is damaged, has no row.

    Returns:
        The rows of the table, and the pictures that could not be opened.

    Raises:
        StoreError: the store cannot be read.
    """
    return _collect(partial(_make, store, channels, read_files), masters)


_Obtain = Callable[
    [ObjectStore, Master, OpenedMaster, str, Sequence[Recipe]], Iterator[RenditionFile | None]
]
"""How the file of each recipe is come by, given its mark; None where there is none."""


def _collect(
    make: Callable[[Master], tuple[list[RenditionRow], RenditionReport]],
    masters: Iterable[Master],
    threads: int | None = None,
) -> "tuple[pd.DataFrame, RenditionReport]":
    rows: list[RenditionRow] = []
    report = RenditionReport()
    for made, of_one in map_on_cores(make, masters, threads):
        rows += made
        report.add(of_one)
    return build_frame(rows), report


def _make(
    store: ObjectStore, channels: ChannelsFile, obtain: _Obtain, master: Master
) -> tuple[list[RenditionRow], RenditionReport]:
    report = RenditionReport(masters=1)
    try:
        opened = _open(store, master)
        files = partial(obtain, store, master, opened)
        return list(_build_rows(channels, master, opened, files, report)), report
    except ObjectNotFoundError:
        problem = f"{master.object_key} is not in the store; `flux-assets verify` tells more"
    except PictureError as error:
        problem = f"{master.object_key}: {error}"
    report.problems.append(Problem(master.product_id, master.shot, problem))
    return [], report


def _open(store: ObjectStore, master: Master) -> OpenedMaster:
    data = store.get(master.object_key).data
    if hashlib.sha256(data).hexdigest() != master.sha256:
        raise PictureError("its bytes are not those that were stored; `flux-assets verify --deep`")
    return open_master(data)


def _build_rows(
    channels: ChannelsFile,
    master: Master,
    opened: OpenedMaster,
    obtain: Callable[[str, Sequence[Recipe]], Iterator[RenditionFile | None]],
    report: RenditionReport,
) -> Iterator[RenditionRow]:
    """The row of each profile; those that come to the same file share it."""
    sharing: dict[str, dict[Recipe, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in master.profiles:
        profile = channels.profiles[name]
        mark = mark_of(profile, master.digital_source_type)
        sharing[mark][resolve(profile, *opened.image.size)].append(name)
    for mark, recipes in sharing.items():
        ordered = sorted(recipes, key=lambda it: (it.crop, it.size, it.canvas, it.background))
        for recipe, file in zip(ordered, obtain(mark, ordered), strict=True):
            if file is None:
                continue
            report.stored += file.is_new
            report.stored_bytes += file.is_new * len(file.data)
            for name in recipes[recipe]:
                yield RenditionRow(
                    product_id=master.product_id,
                    shot=master.shot,
                    profile=name,
                    profile_digest=digest_profile(channels.profiles[name], mark),
                    request_fingerprint=master.request_fingerprint,
                    master_sha256=master.sha256,
                    object_key=file.key,
                    sha256=hashlib.sha256(file.data).hexdigest(),
                    **asdict(file.measures),
                    upscaled=recipe.is_upscaled,
                    appearance=opened.appearance,
                    **opened.provenance._asdict(),
                )
