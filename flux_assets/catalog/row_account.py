"""The account of a catalog's rows: what was rejected or skipped, and what to warn of."""

from collections import Counter
from dataclasses import dataclass, field

from flux_assets.catalog.characters import show_halves
from flux_assets.catalog.product import RejectedRow, RejectionReason


@dataclass(slots=True, kw_only=True)
class Account:
    """Counts each row of the file `name` once that is no product."""

    name: str
    rows: int = 0
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    # The lines of rows to warn of.
    joined_titles: list[int] = field(default_factory=list)
    unnamed_cells: list[int] = field(default_factory=list)
    headers: list[int] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)
    long_titles: list[int] = field(default_factory=list)

    def reject(
        self,
        line: int,
        column: str,
        reason: RejectionReason,
        message: str,
        product_id: str = "",
    ) -> None:
        """Count the row that starts on `line` as not taken."""
        self.rejected_rows.append(
            RejectedRow(
                file=show_halves(self.name),
                line=line,
                column=show_halves(column),
                reason=reason,
                message=show_halves(message),
                product_id=show_halves(product_id),
            )
        )

    def count_told(self) -> int:
        """How much there is to tell of single rows until now."""
        return len(self.rejected_rows) + len(self.long_titles)

    def build_warnings(self) -> list[str]:
        """What was read, but may be meant otherwise."""
        no_parent = "variations are of products that this export lacks; export those too"
        headers = "rows have a header's names in place of an id and a title, and were left out"
        joined = "titles went on in columns without a name, and were joined"
        unnamed = "rows have cells in columns without a name, which were left out; quote commas"
        too_long = "titles are too long, and were cut at a word"
        return [
            f"{len(lines)} {text} (first: line {lines[0]})"
            for lines, text in (
                (self.joined_titles, joined),
                (self.unnamed_cells, unnamed),
                (self.headers, headers),
                (self.orphans, no_parent),
                (self.long_titles, too_long),
            )
            if lines
        ]
