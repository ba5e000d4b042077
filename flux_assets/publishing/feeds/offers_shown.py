"""What every feed goes through: each offer of an edition with what its product shows."""

from collections.abc import Iterable, Iterator

from flux_assets.publishing.edition import Edition, Offer, ShownProduct


def list_offers(edition: Edition) -> Iterator[tuple[Offer, ShownProduct]]:
    """Each offer, in the order of their ids."""
    pairs = ((offer, product) for product in edition.products.values() for offer in product.offers)
    yield from sorted(pairs, key=lambda pair: (pair[0].offer_id, pair[1].product_id))


def list_urls(edition: Edition, product: ShownProduct, slot: str) -> list[str]:
    """The addresses of what one slot of a product shows; further pictures repeat no main one."""
    mains = product.of_slot("main") if slot == "additional" else ()
    repeated = {(it.fingerprint, it.master_sha256) for it in mains}
    return [
        edition.url_of(it)
        for it in product.of_slot(slot)
        if (it.fingerprint, it.master_sha256) not in repeated
    ]


def write_row(cells: Iterable[str], *, delimiter: str) -> str:
    """A line of delimited text, with LF; a cell is quoted where it must be.

    No cell is kept from running as a spreadsheet's formula: `'=1+1` would be another id.
    """
    return f"{delimiter.join(_quote(cell, delimiter) for cell in cells)}\n"


def _quote(cell: str, delimiter: str) -> str:
    """A cell as RFC 4180 has it; Python's own writer leaves a lone CR bare."""
    if any(sign in cell for sign in (delimiter, '"', "\n", "\r")):
        doubled = cell.replace('"', '""')
        return f'"{doubled}"'
    return cell
