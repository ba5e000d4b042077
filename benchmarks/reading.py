"""How fast exports of 100,000 rows are read: rows a CPU second of the fastest of five readings.

python benchmarks/reading.py          # 100,000 rows of a plain CSV and of a WooCommerce export
python benchmarks/reading.py --quick  # 2,000 rows
"""

import sys
import time

from flux_assets.catalog import read_catalog

_ROUNDS = 5
_TEXT = "A chair of solid oak, oiled, with a woven seat; made in small numbers by two people. " * 4


def main(rows: int) -> None:
    """Print one row for each export."""
    print("| export | rows | MB | CPU s | rows a CPU s |")
    print("| --- | --- | --- | --- | --- |")
    for name, data in (("plain CSV", build_plain(rows)), ("WooCommerce", build_shop(rows))):
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


def build_plain(rows: int) -> bytes:
    """An id, a title, and five columns beside."""
    lines = (
        f'P-{number},Chair {number} of oak,"{_TEXT}",Chairs > Oak,red,oak,{number % 90}.50'
        for number in range(rows)
    )
    return "\n".join(("id,title,description,category,color,material,price", *lines)).encode()


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


if __name__ == "__main__":
    main(2_000 if "--quick" in sys.argv else 100_000)
