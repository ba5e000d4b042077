"""An edition as Parquet: a row for each place that shows a picture, the rest in its metadata."""

import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from itertools import groupby, islice
from operator import itemgetter
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from flux_assets.errors import StoreError
from flux_assets.publishing.edition import Edition, FeedForm, Offer, Picture, Showing, ShownProduct
from flux_assets.storage.parquet_file import COMPRESSION, NO_TABLE, release_unused
from flux_assets.storage.stored_json import DamagedObjectError

if TYPE_CHECKING:  # it is loaded only where a table is really read
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

FORMAT = 1
_METADATA = b"flux_assets"
_PICTURE = tuple(item.name for item in fields(Picture))
_ROWS_A_GROUP = 4_000
"""No more rows than these are held beside the edition itself."""
_NUMBERS = frozenset({"width_px", "height_px"})
_FEW = ("shot", "mark")
"""Texts of which there are few, each held once."""
_HEAD = (
    *("channel", "number", "day", "base", "switched"),
    *("policy", "by", "at", "why", "claim"),
)
_REMEDY = "restore an earlier version of it: editions are never made anew"


def write_edition(edition: Edition) -> bytes:
    """The edition's bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = {name: getattr(edition, name) for name in _HEAD}
    said = {"format": FORMAT, **head, "form": asdict(edition.form)}
    schema = _schema().with_metadata({_METADATA: json.dumps(said, sort_keys=True).encode()})
    buffer = io.BytesIO()
    rows = _build_rows(edition)
    with pq.ParquetWriter(buffer, schema, compression=COMPRESSION) as writer:
        while batch := list(islice(rows, _ROWS_A_GROUP)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return buffer.getvalue()


class NamedPicture(NamedTuple):
    """A picture that an edition shows, or could go back to, and of which product and file."""

    product_id: str
    shot: str
    fingerprint: str
    object_key: str
    sha256: str
    mark: str


@dataclass(frozen=True, slots=True)
class EditionFile:
    """An edition of which no more is unpacked than what is asked for.

    All methods raise StoreError where a newer release wrote it, or it is damaged.
    """

    data: bytes
    uri: str

    def read(self) -> Edition:
        """All of it."""
        with _damage_told(self.uri):
            file, said = _open(self.data, self.uri)
            form = said["form"] | {"formats": tuple(said["form"]["formats"])}
            head = {name: said[name] for name in _HEAD}
            rows = (row for batch in file.iter_batches(_ROWS_A_GROUP) for row in batch.to_pylist())
            products = {it.product_id: it for it in _read_products(rows)}
            release_unused()
            return Edition(**head, form=FeedForm(**form), products=products)

    def read_products(self, product_ids: Collection[str]) -> list[ShownProduct]:
        """Some of the products that it shows, in its order."""
        import pyarrow as pa
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        with _damage_told(self.uri):
            file, _ = _open(self.data, self.uri)
            wanted, rows = pa.array(list(product_ids), pa.string()), []
            for batch in file.iter_batches(_ROWS_A_GROUP):
                rows += batch.filter(pc.is_in(batch["product_id"], value_set=wanted)).to_pylist()
            return [*_read_products(rows)]

    def read_head(self) -> Mapping[str, Any]:
        """What it says of itself as a whole: its number, day, maker and reason."""
        with _damage_told(self.uri):
            said = _open(self.data, self.uri)[1]
            return {name: said[name] for name in _HEAD}

    def read_columns(self, columns: Iterable[str]) -> "pa.Table":
        """Some columns, with a row for each place that shows a picture."""
        with _damage_told(self.uri):
            return _open(self.data, self.uri)[0].read(list(columns))

    def list_named(self) -> Iterator[NamedPicture]:
        """As `Edition.list_named`, some rows at a time."""
        _, *of_picture = NamedPicture._fields
        with _damage_told(self.uri):
            file, _ = _open(self.data, self.uri)
            nested = [f"before.list.element.{name}" for name in of_picture]
            for batch in file.iter_batches(
                _ROWS_A_GROUP, columns=["product_id", *of_picture, *nested]
            ):
                owners, before = batch["product_id"], batch["before"]
                earlier = before.flatten()
                shown = [batch[name].to_pylist() for name in of_picture]
                recalled = [earlier.field(name).to_pylist() for name in of_picture]
                yield from map(NamedPicture, owners.to_pylist(), *shown)
                of_earlier = owners.take(before.value_parent_indices()).to_pylist()
                yield from map(NamedPicture, of_earlier, *recalled)


@contextmanager
def _damage_told(uri: str) -> Iterator[None]:
    try:
        yield
    except (*NO_TABLE, TypeError) as error:
        problem = f"it is no edition ({type(error).__name__}: {error}); {_REMEDY}"
        raise DamagedObjectError(uri, "read", problem) from error


def _open(data: bytes, uri: str) -> "tuple[pq.ParquetFile, dict[str, Any]]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data))
    said = json.loads(file.schema_arrow.metadata[_METADATA])
    if said["format"] > FORMAT:
        raise StoreError(uri, "read", "a newer release of flux_assets wrote it; upgrade")
    return file, said


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text = pa.string()
    picture = [(name, pa.int64() if name in _NUMBERS else text) for name in _PICTURE]
    return pa.schema(
        [
            *(("product_id", text), ("title", text)),
            *(("offer_ids", pa.list_(text)), ("offer_titles", pa.list_(text))),
            *(("slot", text), ("since", pa.int64())),
            *(("decision", text), ("warnings", pa.list_(text))),
            *picture,
            ("before", pa.list_(pa.struct(picture))),
        ]
    )


def _build_rows(edition: Edition) -> Iterator[dict[str, Any]]:
    for product in edition.products.values():
        of_product = {
            "product_id": product.product_id,
            "title": product.title,
            "offer_ids": [offer.offer_id for offer in product.offers],
            "offer_titles": [offer.title for offer in product.offers],
        }
        for showing in product.showings:
            yield {
                **of_product,
                "slot": showing.slot,
                "since": showing.since,
                "decision": showing.decision,
                "warnings": list(showing.warnings),
                **_plain(showing.picture),
                "before": [_plain(it) for it in showing.before],
            }


def _read_products(rows: Iterable[dict[str, Any]]) -> Iterator[ShownProduct]:
    for product_id, of_product in groupby(rows, key=itemgetter("product_id")):
        listed = list(of_product)
        offers = zip(listed[0]["offer_ids"], listed[0]["offer_titles"], strict=True)
        yield ShownProduct(
            product_id=product_id,
            title=listed[0]["title"],
            offers=tuple(Offer(offer_id=it, title=title) for it, title in offers),
            showings=tuple(
                Showing(
                    slot=intern(row["slot"]),
                    since=row["since"],
                    decision=row["decision"],
                    warnings=tuple(row["warnings"]),
                    picture=_read_picture(row),
                    before=tuple(map(_read_picture, row["before"])),
                )
                for row in listed
            ),
        )


def _plain(picture: Picture) -> dict[str, Any]:
    return {name: getattr(picture, name) for name in _PICTURE}


def _read_picture(row: Mapping[str, Any]) -> Picture:
    values = {name: row[name] for name in _PICTURE}
    return Picture(**values | {name: intern(values[name]) for name in _FEW})
