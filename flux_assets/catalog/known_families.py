"""Families of rows that were read before: their products stand in a table already.

A product of one for each family follows from its rows' cells, the header, and what says how they
are read. Beside it stands a digest of all these, unless there was something to tell of its rows:
what is rejected or warned of is read again each time.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.catalog.families import Family
from flux_assets.catalog.product import Product
from flux_assets.catalog.products import Assembly
from flux_assets.catalog.tables import build_products_table

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

ROWS_SHA256 = "rows_sha256"
"""The column of the digest; empty where there is none."""


class ReadProducts(NamedTuple):
    """An export's products, of which those are not built that a table has.

    `built` are the others, with ROWS_SHA256, in no promised order. `places` gives for each product,
    in the file's order, its row in that table, or the number of rows there plus its row in `built`;
    `lines` where it stands in the file now.
    """

    built: "pd.DataFrame"
    places: "np.ndarray"
    lines: "np.ndarray"


def build_products(
    families: list[Family], assembly: Assembly, known: "pa.Array", read_by: str
) -> ReadProducts:
    """Build the products of all families that are not known; the list is empty after.

    Args:
        families: in the file's order.
        assembly: which takes them.
        known: the digests of a table's products, in its order.
        read_by: all else that a product follows from: the header, and what reads its rows, and how.
    """
    import numpy as np

    may_be_known = assembly.one_set_per == "product"
    digests = _digest_all(families, read_by) if may_be_known else _no_digests(len(families))
    found = _find(digests, known)
    run = _Run(assembly, found)
    built = build_products_table(run.build_others(_take(families)))
    built = built.assign(**{ROWS_SHA256: _choose_digests(digests, run)})
    places = np.concatenate([found[run.taken], np.arange(len(built)) + len(known)])
    lines = np.concatenate([run.lines, built["line"]])
    order = np.argsort(np.concatenate([run.taken, run.others]), kind="stable")
    order = order[np.argsort(lines[order], kind="stable")]
    return ReadProducts(built, places[order], lines[order])


@dataclass(slots=True)
class _Run:
    """Goes through the families in their order, since of two with one id the first one stays.

    `taken` and `others` are the numbers of the families of known products, with their `lines`, and
    of each other product; `can_be_taken` says which of the others can be taken the next time.
    """

    assembly: Assembly
    found: "np.ndarray"
    taken: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    others: "array[int]" = field(default_factory=lambda: array("q"))
    can_be_taken: "array[int]" = field(default_factory=lambda: array("b"))

    def build_others(self, families: Iterable[Family]) -> Iterator[Product]:
        account = self.assembly.account
        for number, family in enumerate(families):
            if self.found[number] >= 0 and self.assembly.take_over(family):
                self.taken.append(number)
                self.lines.append(family.first.line)
                continue
            told = account.count_told()
            products = self.assembly.add(family)
            can_be_taken = len(products) == 1 and account.count_told() == told
            for product in products:
                self.others.append(number)
                self.can_be_taken.append(can_be_taken)
                yield product


def _take(families: list[Family]) -> Iterator[Family]:
    """Each in turn, which the list then holds no more."""
    families.reverse()
    while families:
        yield families.pop()


def _no_digests(count: int) -> "pa.Array":
    import pyarrow as pa

    return pa.repeat(pa.scalar("", pa.large_string()), count)


def _digest_all(families: Iterable[Family], read_by: str) -> "pa.Array":
    """Of each family, which is all that its product follows from where there is one for each."""
    import pyarrow as pa

    start = hashlib.sha256(read_by.encode())
    return pa.array((_digest(family, start.copy()) for family in families), pa.large_string())


def _digest(family: Family, digest: "hashlib._Hash") -> str:
    # Of a row's role only what it joins as; the rest says in which family it is, and no more.
    rows = [
        [entry.role.joins, entry.id_key, entry.product_id, entry.former_ids, entry.cells]
        for entry in (family.first, *family.further)
    ]
    digest.update(json.dumps([len(family.others), rows]).encode())
    return digest.hexdigest()[:32]


def _choose_digests(digests: "pa.Array", run: _Run) -> "pd.Series[str]":
    """That of each product that was built; empty where it cannot be taken."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    can_be_taken = pa.array(np.array(run.can_be_taken, bool))
    of_others = digests.take(np.array(run.others))
    chosen: pd.Series[str] = pc.if_else(can_be_taken, of_others, "").to_pandas()
    return chosen


def _find(digests: "pa.Array", known: "pa.Array") -> "np.ndarray":
    """The row of a table that has each digest; -1 where there is no such row, or no digest."""
    import pyarrow.compute as pc

    rows = pc.fill_null(pc.index_in(digests, value_set=known), -1)
    found: np.ndarray = pc.if_else(pc.equal(digests, ""), -1, rows).to_numpy(zero_copy_only=False)
    return found
