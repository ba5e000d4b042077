"""Which row of the manifest a picture is, found by its fingerprint: without an object a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it is loaded only where a table is really read
    import numpy as np

_DIGEST_BYTES = 32
_DIGITS = 2 * _DIGEST_BYTES
NO_ROW = -1


def pack_digests(texts: Iterable[str]) -> "np.ndarray":
    """Sha256 digests of 64 hexadecimal digits as rows of bytes; what is none of them is zeros."""
    import numpy as np

    listed = [*texts]
    if {*map(len, listed)} - {_DIGITS}:
        listed = [it if len(it) == _DIGITS else "0" * _DIGITS for it in listed]
    whole = "".join(listed)
    return np.frombuffer(bytes.fromhex(whole), np.uint8).reshape(-1, _DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class PictureIndex:
    """The pictures of a table by their fingerprints, each with the sha256 of its bytes.

    Args:
        fingerprints: of each row, as `pack_digests` gives them.
        digests: of each row's bytes, likewise.
    """

    fingerprints: "np.ndarray"
    digests: "np.ndarray"
    _order: "np.ndarray"
    _sorted: "np.ndarray"

    @classmethod
    def of(cls, fingerprints: "np.ndarray", digests: "np.ndarray") -> "PictureIndex":
        """The index of these rows."""
        import numpy as np

        values = _sortable(fingerprints)
        order = np.argsort(values, kind="stable").astype(np.int32)
        return cls(fingerprints, digests, order, values[order])

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.fingerprints)

    def find(self, fingerprint: str) -> int:
        """The row of a fingerprint; NO_ROW where there is none."""
        return int(self.find_all([fingerprint])[0])

    def find_all(self, fingerprints: Sequence[str]) -> "np.ndarray":
        """The row of each, or NO_ROW."""
        return self.find_packed(pack_digests(fingerprints))

    def find_packed(
        self, fingerprints: "np.ndarray", digests: "np.ndarray | None" = None
    ) -> "np.ndarray":
        """The row of each, or NO_ROW; with `digests`, only where its bytes are just these."""
        import numpy as np

        if not len(self):
            return np.full(len(fingerprints), NO_ROW, np.int32)
        places = np.searchsorted(self._sorted, _sortable(fingerprints))
        rows = self._order[np.minimum(places, len(self) - 1)]
        is_same = (self.fingerprints[rows] == fingerprints).all(axis=1)
        if digests is not None:
            is_same &= (self.digests[rows] == digests).all(axis=1)
        return np.where(is_same, rows, np.int32(NO_ROW))

    def fingerprint_of(self, row: int) -> str:
        """In hexadecimal digits."""
        text: str = self.fingerprints[row].tobytes().hex()
        return text

    def sha256_of(self, row: int) -> str:
        """Of the picture's bytes, in hexadecimal digits."""
        text: str = self.digests[row].tobytes().hex()
        return text


def _sortable(packed: "np.ndarray") -> "np.ndarray":
    """The digests as values that compare byte by byte."""
    import numpy as np

    values: np.ndarray = np.ascontiguousarray(packed).view(f"S{_DIGEST_BYTES}").ravel()
    return values
