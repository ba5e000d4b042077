"""Why products have no picture, and what of a run's choices there is: told, one by one."""

import csv
import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TextIO

from flux_assets.catalog.product import Catalog, LeftOut, LeftOutReason, Product
from flux_assets.errors import ChoiceError, PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.planning.choices import Choices
from flux_assets.planning.plan_table import PlanRow, PlanStatus
from flux_assets.prompts.requests import Skipped
from flux_assets.storage.formula_cells import neutralise
from flux_assets.storage.frames import build_frame, is_in, read_rows

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

WITH_PICTURE: frozenset[PlanStatus] = frozenset({"new", "changed", "stored", "accepted"})
"""The standings of what has a picture, or will have one by a refresh."""

_LEFT_OUT: Mapping[LeftOutReason, str] = {
    "unpublished": "is a draft, hidden or archived; publish it, or set include_unpublished",
    "variant": "is a row of another product, and shown by that one's pictures",
    "variant_without_parent": "is a variant of a product that this export lacks; export it too",
}
_TOLD = 20
_COMPARED = 3  # a search for near matches compares the whole catalog


class Reason(NamedTuple):
    """Why one product has no picture of a shot, or, where `shot` is empty, of any.

    `line` is the catalog's; `reason` a short word, the same for all of a kind.
    """

    product_id: str
    shot: str
    line: int
    reason: str
    message: str


LISTED = ("product_id", "line", "category")
"""What must be known of products to say why there is no picture of them."""


def list_products(products: Iterable[Product]) -> "pd.DataFrame":
    """The columns of LISTED."""
    return build_frame(map(attrgetter(*LISTED), products), LISTED, numbers={"line"})


def check_choices(
    choices: Choices, catalog: Catalog, products: "pd.DataFrame", shots: Collection[str]
) -> None:
    """Refuse a choice that nothing can come of.

    Args:
        choices: which products and shots are asked about.
        catalog: with the rows that no product was made of.
        products: its products, with the columns of LISTED.
        shots: all of the shots file.

    Raises:
        ChoiceError: a category or shot does not exist, or not one of the chosen products.
    """
    categories = set(products["category"].unique())
    for name, wanted, known in (
        ("categories", set(choices.categories), categories),
        ("shots", set(choices.shots), set(shots)),
    ):
        if wanted - known:
            raise ChoiceError(name, sorted(wanted - known), known)
    ids = set(choices.product_ids)
    if ids and not ids & (known_ids := _known_ids(catalog, products)):
        raise ChoiceError("product_ids", sorted(ids), known_ids)


def list_reasons(
    catalog: Catalog,
    products: "pd.DataFrame",
    results: Iterable[ImageRequest | Skipped | PromptError],
    rows: Iterable[PlanRow],
    choices: Choices,
) -> list[Reason]:
    """Every reason why one of the chosen products has no picture, in the catalog's order.

    Args:
        catalog: as for `check_choices`.
        products: likewise.
        results: of the products that are asked about, as `render_requests` gives them.
        rows: of the plan, that are not WITH_PICTURE.
        choices: which products and shots are asked about.
    """
    asked = [it for it in results if isinstance(it, Skipped | PromptError)]
    lacking = list(rows)
    lines = _find_lines(products, {it.product_id for it in (*asked, *lacking)})
    found = [
        *_without_product(catalog, choices),
        *_without_request(asked, lines),
        *(
            Reason(row.product_id, row.shot, lines[row.product_id], row.status, row.reason)
            for row in lacking
        ),
    ]
    ids, shots = set(choices.product_ids), {*choices.shots, ""}
    of_categories = set(products["product_id"][is_in(products["category"], choices.categories)])
    chosen = [
        item
        for item in found
        if (not ids or item.product_id in ids)
        and (not choices.categories or item.product_id in of_categories)
        and (not choices.shots or item.shot in shots)
    ]
    return sorted(chosen, key=lambda item: item.line)


def count_reasons(reasons: Iterable[Reason]) -> dict[str, int]:
    """How often each reason is given, the most frequent first."""
    return dict(Counter(item.reason for item in reasons).most_common())


def explain_choices(
    choices: Choices, catalog: Catalog, products: "pd.DataFrame", reasons: Iterable[Reason]
) -> list[str]:
    """A sentence for each product chosen by its id that has no picture, or is not there."""
    chosen = set(choices.product_ids)
    if not chosen:
        return []
    known = _known_ids(catalog, products)
    told = []
    for place, product_id in enumerate(sorted(chosen - known)):
        near = difflib.get_close_matches(product_id, known) if place < _COMPARED else []
        hint = f"; near it: {', '.join(near)}" if near else ""
        told.append(f"there is no product {product_id!r} in {catalog.name}{hint}")
    told += [
        f"product {item.product_id!r}{f', shot {item.shot!r}' if item.shot else ''}: "
        f"no picture ({item.reason}): {item.message}"
        for item in reasons
        if item.product_id in chosen
    ]
    more = len(told) - _TOLD
    return told[:_TOLD] + ([f"and {more} more; plan --reasons FILE has all"] if more > 0 else [])


def write_reasons_csv(reasons: Iterable[Reason], file: TextIO) -> None:
    """Write them as CSV, in which no cell can be taken for a spreadsheet's formula."""
    writer = csv.writer(file)
    writer.writerow(Reason._fields)
    writer.writerows(map(neutralise, map(str, item)) for item in reasons)


def _find_lines(products: "pd.DataFrame", product_ids: Collection[str]) -> dict[str, int]:
    """The line of each of these products."""
    chosen = products[is_in(products["product_id"], product_ids)]
    return dict(read_rows(chosen, ("product_id", "line")))


def _known_ids(catalog: Catalog, products: "pd.DataFrame") -> set[str]:
    ids = set(products["product_id"])
    return ids | {row.product_id for row in catalog.rejected_rows} | set(catalog.left_out)


def _without_product(catalog: Catalog, choices: Choices) -> Iterator[Reason]:
    """Rejected rows, and products left out; variants only where one was chosen."""
    for row in catalog.rejected_rows:
        yield Reason(row.product_id, "", row.line, row.reason, row.message)
    chosen = set(choices.product_ids)
    for product_id, (line, reason) in catalog.left_out.items():
        if reason != "variant" or product_id in chosen:
            yield Reason(product_id, "", line, reason, describe_left_out(LeftOut(line, reason)))


def describe_left_out(row: LeftOut) -> str:
    """What became of a row that is no product."""
    return f"line {row.line} {_LEFT_OUT[row.reason]}"


def _without_request(
    results: Iterable[Skipped | PromptError], lines: Mapping[str, int]
) -> Iterator[Reason]:
    for result in results:
        line = lines.get(result.product_id, 0)
        if isinstance(result, PromptError):
            yield Reason(result.product_id, result.shot, line, result.reason, result.problem)
        else:
            reason = "no_photo" if result.reason == "fallback" else result.reason
            yield Reason(result.product_id, result.shot, line, reason, result.message)
