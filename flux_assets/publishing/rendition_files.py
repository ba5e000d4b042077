"""The files that are made of one picture: rendered and put, or read as they lie in the store."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, PictureError
from flux_assets.publishing.measures import FileMeasures, measure
from flux_assets.publishing.profile import Recipe, build_rendition_id
from flux_assets.publishing.render import CONTENT_TYPES, OpenedMaster, render
from flux_assets.publishing.rendition_table import Master
from flux_assets.storage.change_object import change_object
from flux_assets.storage.object_store import ObjectBody, ObjectStore, rendition_key

RENEWED_AFTER = timedelta(days=1)
"""What is found older is put again, so that `prune`, which goes by age, lets it be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionFile:
    """A file as it lies in the store; `is_new` where it was put there just now."""

    key: str
    data: bytes
    measures: FileMeasures
    is_new: bool = False


def put_files(
    store: ObjectStore, master: Master, opened: OpenedMaster, mark: str, recipes: Sequence[Recipe]
) -> Iterator[RenditionFile]:
    """Make each recipe's file, and give what lies there then.

    Raises:
        PictureError: one cannot be made.
        StoreError: the store cannot be read or written.
    """
    for recipe, data in zip(recipes, render(opened, recipes, mark), strict=True):
        key = _key_of(master, recipe, mark)
        there = _put(store, key, data, recipe)
        file = None if there is None else _judge(key, there, recipe, mark)
        if there is not None and file is None:  # it is damaged, so that nobody can show it
            store.put(key, data, content_type=CONTENT_TYPES[recipe.format])
        if file is None:
            measures = measure(data, recipe.placed)
            file = RenditionFile(key=key, data=data, measures=measures, is_new=True)
        yield file


def read_files(
    store: ObjectStore, master: Master, _opened: OpenedMaster, mark: str, recipes: Sequence[Recipe]
) -> Iterator[RenditionFile | None]:
    """Each recipe's file as it lies there; None where there is none, or a damaged one.

    Raises:
        StoreError: the store cannot be read.
    """
    for recipe in recipes:
        key = _key_of(master, recipe, mark)
        try:
            data = store.get(key).data
        except ObjectNotFoundError:
            yield None
        else:
            yield _judge(key, data, recipe, mark)


def _key_of(master: Master, recipe: Recipe, mark: str) -> str:
    return rendition_key(
        product_id=master.product_id,
        shot=master.shot,
        rendition_id=build_rendition_id(master.sha256, recipe, mark),
        extension=recipe.format,
    )


def _judge(key: str, data: bytes, recipe: Recipe, mark: str) -> RenditionFile | None:
    """A file that was put before; None where it is no picture, or does not carry its mark."""
    try:
        measures = measure(data, recipe.placed)
    except PictureError:
        return None
    return RenditionFile(key=key, data=data, measures=measures) if measures.mark == mark else None


def _put(store: ObjectStore, key: str, data: bytes, recipe: Recipe) -> bytes | None:
    """What lay there before, as another release of an encoder may have been first; else None.

    A file from long ago is put again as it is, for nobody else knows before the table is written
    that it is wanted.
    """
    content_type = CONTENT_TYPES[recipe.format]
    there: ObjectBody | None = None

    def keep(found: ObjectBody | None) -> bytes | None:
        nonlocal there
        there = found
        if found is None:
            return data
        return found.data if found.info.modified_at < store.now() - RENEWED_AFTER else None

    try:
        store.put(key, data, content_type=content_type, if_absent=True)
    except ConditionFailedError:  # S3 says so, too, while another one's put is under way
        change_object(store, key, keep, content_type=content_type, sleep=time.sleep)
    return None if there is None else there.data
