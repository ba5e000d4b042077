"""How fast exports of 100,000 rows are read: rows a CPU second of the fastest of five readings.

python benchmarks/reading.py          # 100,000 rows of each kind of export
python benchmarks/reading.py --quick  # 2,000 rows
"""

import sys
import time
from collections.abc import Iterator
from html import escape

from flux_assets.catalog import read_catalog
from flux_assets_tests.fixtures.exports import xlsx

_HEADER = ("id", "title", "description", "category", "color", "material", "price")
_ROUNDS = 5
_TEXT = "A chair of solid oak, oiled, with a woven seat; made in small numbers by two people. " * 4


def main(rows: int) -> None:
    """Print one row for each export."""
    print("| export | rows | MB | CPU s | rows a CPU s |")
    print("| --- | --- | --- | --- | --- |")
    for name, build in EXPORTS.items():
        data = build(rows)
        seconds = min(measure(data, rows) for _ in range(_ROUNDS))
        size = len(data) / 1e6
        print(f"| {name} | {rows:,} | {size:.0f} | {seconds:.2f} | {rows / seconds:,.0f} |")


def measure(data: bytes, rows: int) -> float:
    """CPU seconds of one reading, of which every row became a product or a variant."""
    start = time.process_time()
    catalog = read_catalog(data, "export.csv")
    seconds = time.process_time() - start
    if catalog.rows != rows or catalog.rejected_rows:
        raise RuntimeError(f"{catalog.rows} rows of {rows}, {len(catalog.rejected_rows)} rejected")
    return seconds


def list_cells(rows: int) -> Iterator[tuple[str, ...]]:
    """An id, a title, and five columns beside."""
    for number in range(rows):
        title, price = f"Chair {number} of oak", f"{number % 90}.50"
        yield f"P-{number}", title, _TEXT, "Chairs > Oak", "red", "oak", price


def build_plain(rows: int) -> bytes:
    """Those cells as CSV."""
    lines = (
        f'{product_id},{title},"{text}",{",".join(further)}'
        for product_id, title, text, *further in list_cells(rows)
    )
    return "\n".join((",".join(_HEADER), *lines)).encode()


def build_workbook(rows: int) -> bytes:
    """Those cells as a sheet."""
    return xlsx([_HEADER, *list_cells(rows)])


def build_feed(rows: int) -> bytes:
    """Those cells as Google's feed, which calls a category otherwise."""
    names = [{"category": "product_type"}.get(name, name) for name in _HEADER]
    items = (
        "".join(
            f"<g:{name}>{escape(cell)}</g:{name}>" for name, cell in zip(names, cells, strict=True)
        )
        for cells in list_cells(rows)
    )
    body = "\n".join(f"<item>{item}</item>" for item in items)
    start = '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
    return f"{start}\n{body}\n</channel></rss>".encode()


def build_shop(rows: int) -> bytes:
    """Variable products of four variations each, in some letters beyond ASCII."""
    header = (
        "ID,Type,SKU,Name,Published,Is featured?,Description,Regular price,Categories,Images,"
        "Parent,Attribute 1 name,Attribute 1 value(s)"
    )
    lines = []
    for number in range(rows):
        parent = number - number % 5
        is_parent = number == parent
        kind, belongs = ("variable", "") if is_parent else ("variation", f"S-{parent}")
        lines.append(
            f'{number},{kind},S-{number},Stühlchen {parent} – Größe,1,0,"<p>{_TEXT}</p>",9.5,'
            f'"Möbel > Stühle",https://img.example/{number}.jpg,{belongs},Color,"Blue, Red"'
        )
    return "\n".join((header, *lines)).encode()


EXPORTS = {
    "plain CSV": build_plain,
    "WooCommerce": build_shop,
    "workbook": build_workbook,
    "Google feed": build_feed,
}

if __name__ == "__main__":
    main(2_000 if "--quick" in sys.argv else 100_000)
