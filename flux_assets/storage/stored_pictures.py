"""What a listing of `images/` shows: which pictures there are, and whose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from flux_assets.storage.object_store import ObjectStore, picture_key, picture_prefix

if TYPE_CHECKING:  # they are loaded only where pictures are really listed
    import numpy as np
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_SHORT = 32
_BATCH_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """What a listing of `images/` shows, as columns: millions of keys are too many for objects.

    `keys` and `shorts` are each picture's key and short fingerprint. `prefixes` are those of each
    shot of a product that has a picture, once or more; `owners` has the place there of each
    picture's.
    """

    keys: "pa.Array"
    shorts: "pa.Array"
    prefixes: "pa.Array"
    owners: "np.ndarray"

    @classmethod
    def of(cls, keys: Iterable[str]) -> "StoredPictures":
        """What lies elsewhere below `images/` is no picture of ours.

        Such as the empty object that stands for a folder in S3's console.
        """
        import numpy as np

        taken, shorts, prefixes = _Texts(), _Texts(), _Texts()
        owners: list[np.ndarray] = []
        following, last = iter(keys), ""
        while batch := list(islice(following, _BATCH_KEYS)):
            places = []
            for key in batch:
                owner, _, name = key.rpartition("/")
                if name and owner.count("/") == 2:
                    if owner != last:  # a listing goes folder by folder
                        prefixes.add(f"{owner}/")
                        last = owner
                    places.append(prefixes.count - 1)
                    taken.add(key)
                    shorts.add(name.partition(".")[0])
            owners.append(np.array(places, np.int32))
        return cls(
            taken.build(),
            shorts.build(),
            prefixes.build(),
            np.concatenate(owners) if owners else np.array([], np.int32),
        )

    def find(self, fingerprints: "pa.Array") -> "pa.Array":
        """The key of each request's picture; null where there is none."""
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        return self.keys.take(pc.index_in(_shorten(fingerprints), value_set=self.shorts))

    def has_any(self, prefixes: Sequence[str]) -> list[bool]:
        """Whether there is a picture, under each of some prefixes of shots of products."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(prefixes, self.prefixes.type)
        found: list[bool] = pc.is_in(wanted, value_set=self.prefixes).to_pylist()
        return found

    def find_others(self, fingerprints: "pa.Array") -> set[str]:
        """The prefixes under which there are pictures, but none of these requests."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        asked = pc.is_in(self.shorts, value_set=_shorten(fingerprints))
        has_asked = np.zeros(len(self.prefixes), bool)
        has_asked[self.owners[asked.to_numpy(zero_copy_only=False)]] = True
        with_asked = self.prefixes.filter(pa.array(has_asked))
        others = self.prefixes.filter(pa.array(~has_asked))
        return set(others.filter(pc.invert(pc.is_in(others, value_set=with_asked))).to_pylist())


class _Texts:
    """A column of texts as it grows."""

    def __init__(self) -> None:
        self.count = 0
        self._texts: list[str] = []
        self._arrays: list[pa.Array] = []

    def add(self, text: str) -> None:
        self.count += 1
        self._texts.append(text)
        if len(self._texts) == _BATCH_KEYS:
            self._pack()

    def build(self) -> "pa.Array":
        import pyarrow as pa

        self._pack()
        return pa.concat_arrays(self._arrays)

    def _pack(self) -> None:
        import pyarrow as pa

        self._arrays.append(pa.array(self._texts, pa.large_string()))
        self._texts = []


def _shorten(fingerprints: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.utf8_slice_codeunits(fingerprints, 0, _SHORT).cast(pa.large_string())


def list_pictures(store: ObjectStore, prefixes: Iterable[str] | None = None) -> StoredPictures:
    """List the store's pictures, all of them or those under some prefixes."""
    chosen = prefixes if prefixes is not None else (picture_prefix(),)
    return StoredPictures.of(key for prefix in chosen for key in store.list_keys(prefix))


def find_picture(store: ObjectStore, *, shot: str, product_id: str, fingerprint: str) -> str | None:
    """The key of a request's stored picture, whatever its format; None if there is none."""
    prefix = picture_key(shot=shot, product_id=product_id, fingerprint=fingerprint, extension="")
    return next(store.list_keys(prefix), None)
