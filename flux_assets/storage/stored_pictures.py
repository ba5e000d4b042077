"""What a listing of `images/` shows: which pictures there are, and whose."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.directory_scan import Wanted
from flux_assets.storage.object_store import (
    PLAIN_SEGMENT,
    ObjectStore,
    picture_key,
    picture_prefix,
    quote_segment,
)
from flux_assets.storage.parquet_file import release_unused

if TYPE_CHECKING:  # they are loaded only where pictures are really listed
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_SHORT = 32
_BATCH_KEYS = 10_000
_CUT_KEYS = 500_000
_EXTENSIONS = ("png", "jpg")


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """What a listing of `images/` shows, as columns: millions of keys are too many for objects.

    `keys` and `shorts` are each picture's key and short fingerprint.
    """

    keys: "pa.Array"
    shorts: "pa.Array"

    @classmethod
    def of(cls, keys: Iterable[str]) -> "StoredPictures":
        """What lies elsewhere below `images/` is no picture of ours.

        Such as the empty object that stands for a folder in S3's console.
        """
        import pyarrow as pa
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        text = pa.large_string()
        taken, shorts = [pa.array([], text)], [pa.array([], text)]
        following = iter(keys)
        while batch := list(islice(following, _BATCH_KEYS)):
            listed = pa.array(batch, text)
            is_whole = pc.and_not(
                pc.equal(pc.count_substring(listed, "/"), 3), pc.ends_with(listed, "/")
            )
            taken.append(listed.filter(is_whole))
            names = pc.list_element(pc.split_pattern(taken[-1], "/"), 3)
            shorts.append(pc.list_element(pc.split_pattern(names, "."), 0))
        listed = cls(pa.concat_arrays(taken), pa.concat_arrays(shorts))
        del taken, shorts
        release_unused()
        return listed

    def find(self, fingerprints: "pa.Array") -> "pa.Array":
        """The place of each request's picture; null where there is none."""
        import pyarrow.compute as pc

        return pc.index_in(_shorten(fingerprints), value_set=self.shorts)

    def has_any(self, prefixes: "pa.Array") -> "pa.Array":
        """Whether there is a picture, under each of some prefixes of shots of products."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(prefixes):
            return pa.array([], pa.bool_())
        return pc.is_in(prefixes, value_set=_list_names(self.keys, prefixes))

    def find_others(self, fingerprints: "pa.Array", places: "pa.Array") -> "pa.Array":
        """The prefixes under which there are pictures, but none of these requests.

        Args:
            fingerprints: of the requests.
            places: of their pictures, as `find` gives them; others may be theirs, too.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        is_found = np.zeros(len(self.keys), bool)
        is_found[places.drop_null().to_numpy()] = True
        rest = pa.array(~is_found)
        keys, shorts = self.keys.filter(rest), self.shorts.filter(rest)
        if not len(keys):
            return keys
        asked = _shorten(fingerprints)
        is_asked = pc.is_in(shorts, value_set=asked.filter(pc.is_in(asked, value_set=shorts)))
        names = _cut_names(keys.filter(pc.invert(is_asked))).unique()
        names = without(names, _cut_names(keys.filter(is_asked)))
        return without(names, _list_names(self.keys, names, where=pa.array(is_found)))


def without(texts: "pa.Array", others: "pa.Array | Iterable[str]") -> "pa.Array":
    """Those of some texts that are none of the others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    among = others if isinstance(others, pa.Array) else pa.array(others, texts.type)
    if len(among) > len(texts):  # Arrow hashes all of them at each call
        among = among.filter(pc.is_in(among, value_set=texts))
    return texts.filter(pc.invert(pc.is_in(texts, value_set=among)))


def list_prefixes(product_ids: "pa.Array", shots: "pa.Array") -> "pa.Array":
    """As `picture_prefix`, of each of some requests."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = (picture_prefix().removesuffix("/"), "", "/")
    root, end, slash = (pa.scalar(it, shots.type) for it in ends)
    return pc.binary_join_element_wise(root, shots, _quote(product_ids), end, slash)


def _list_names(
    keys: "pa.Array", names: "pa.Array", *, where: "pa.Array | None" = None
) -> "pa.Array":
    """Those of some prefixes that keys have, or some of these; of all they would take much room."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [names[:0]]
    for start in range(0, len(keys), _CUT_KEYS):
        some = keys.slice(start, _CUT_KEYS)
        if where is not None:
            some = some.filter(where.slice(start, _CUT_KEYS))
        cut = _cut_names(some)
        found.append(cut.filter(pc.is_in(cut, value_set=names)))
    return pa.concat_arrays(found).unique()


def _cut_names(keys: "pa.Array") -> "pa.Array":
    """Each key's prefix, of a shot of a product."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(keys, pattern="[^/]*$", replacement="")


def _shorten(fingerprints: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.utf8_slice_codeunits(fingerprints, 0, _SHORT).cast(pa.large_string())


@dataclass(frozen=True, slots=True)
class AskedPictures:
    """Whose pictures are looked for, as columns of requests: where one lies that is stored.

    Of the products of `not_alone` other products' pictures may lie in the same folder: that of a
    former id, which is another product's now.
    """

    product_ids: "pa.Array"
    shots: "pa.Array"
    fingerprints: "pa.Array"
    not_alone: Collection[str] = ()

    def find_starts(self, folder: str, names: Sequence[str]) -> Sequence[str]:
        """As of `Wanted`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        nothing = [""] * len(names)
        shot = folder.removeprefix(picture_prefix()).removesuffix("/")
        is_of_shot = pc.equal(self.shots, shot)
        owners = _quote(self.product_ids.filter(is_of_shot))
        if pc.count_distinct(owners).as_py() < len(owners):
            return nothing  # which of two is in a folder does not tell of the other
        listed = pa.array(names, owners.type)
        shared = pa.array(map(quote_segment, self.not_alone), owners.type)
        places = pc.index_in(listed, value_set=owners)
        places = pc.if_else(pc.is_in(listed, value_set=shared), None, places)
        starts = _shorten(self.fingerprints.filter(is_of_shot)).take(places)
        found: list[str] = pc.fill_null(starts, "").to_pylist()
        return found


def _quote(product_ids: "pa.Array") -> "pa.Array":
    """Each one's segment of a key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_odd = pc.invert(pc.match_substring_regex(product_ids, PLAIN_SEGMENT))
    quoted = map(quote_segment, product_ids.filter(is_odd).to_pylist())
    return pc.replace_with_mask(product_ids, is_odd, pa.array(quoted, product_ids.type))


def list_pictures(
    store: ObjectStore,
    prefixes: Iterable[str] | None = None,
    *,
    asked: AskedPictures | None = None,
) -> StoredPictures:
    """List the store's pictures, all of them or those under some prefixes.

    Args:
        store: the shop's.
        prefixes: of shots of products; None for all.
        asked: whose they are that matter. A directory is spared its other pictures of the same
            product and shot, where what is asked for is there: who asks for it, needs no other.
    """
    if prefixes is not None:
        return StoredPictures.of(key for prefix in prefixes for key in store.list_keys(prefix))
    if asked is not None and isinstance(store, DirectoryStore):
        wanted = Wanted(asked.find_starts, _EXTENSIONS)
        return StoredPictures.of(store.list_wanted(picture_prefix(), wanted))
    return StoredPictures.of(store.list_keys(picture_prefix()))


def find_picture(store: ObjectStore, *, shot: str, product_id: str, fingerprint: str) -> str | None:
    """The key of a request's stored picture, whatever its format; None if there is none."""
    prefix = picture_key(shot=shot, product_id=product_id, fingerprint=fingerprint, extension="")
    return next(store.list_keys(prefix), None)
