"""What each image request follows from: its product's row, the shots file and this package's code.

That is its origin. What follows from an override or a former id, too, has none. The photo that a
request is made from is no part of it: which one it is, is asked anew each time.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from flux_assets.catalog.known_families import ROWS_SHA256
from flux_assets.catalog.tables import read_products
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.requests import Shot, list_photo_addresses
from flux_assets.prompts.shots import ShotsFile
from flux_assets.storage.frames import is_in, read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd

DECIDING_MODULES = (
    "catalog/characters",
    "catalog/nothing",
    "catalog/photo_cells",
    "catalog/product",
    "catalog/tables",
    "catalog/trimming",
    "image_api/parameters",
    "image_api/request",
    "prompts/former_ids",
    "prompts/phrases",
    "prompts/quotation_marks",
    "prompts/rendering",
    "prompts/requests",
    "prompts/requests_table",
    "prompts/sentences",
    "prompts/shots",
    "prompts/shots_schema",
    "prompts/taxonomy",
    "prompts/template_environment",
    "prompts/templates",
    "prompts/text_growth",
    "prompts/wording",
    "prompts/yaml_outline",
)
"""What turns a product's row and the shots file into a request; overrides have no origin."""

DECIDING_DATA = ("prompts/taxonomy.yaml", "prompts/wording.yaml")
"""What those modules read."""

_PACKAGE = Path(__file__).parents[1]
NO_ORIGIN = ""


@dataclass(frozen=True, slots=True)
class Origins:
    """The origin of each product's requests.

    `rules` are all that is the same for every product. `overridden` are the products without one,
    since what they ask for follows from an override, or from what was bought under a former id.
    """

    rules: str
    overridden: AbstractSet[str]

    def find(self, products: "pd.DataFrame") -> Iterator[tuple[str, str]]:
        """Each one's id and origin; where in the file its row stands makes no difference."""
        names = [name for name in products.columns if name not in {"line", ROWS_SHA256}]
        ids = products["product_id"].tolist()
        for product_id, row in zip(ids, read_rows(products, names), strict=True):
            if product_id in self.overridden:
                yield product_id, NO_ORIGIN
            else:
                digest = hashlib.sha256(f"{self.rules}{json.dumps(row)}".encode())
                yield product_id, digest.hexdigest()[:32]


class RequestSources:
    """What all requests follow from; `digest` is of all of it but for the overrides."""

    def __init__(self, products: StoredTable, shots: ShotsFile, overrides: OverridesFile) -> None:
        self.shots = shots.shots
        self.overrides = overrides
        self._products = products
        rules = json.dumps([shots.sha256, _code_sha256(), version("jinja2"), sys.version])
        self.digest = hashlib.sha256(rules.encode() + products.data).hexdigest()
        ids = products.read(("product_id", "former_ids"))
        self.product_ids = ids["product_id"]
        overridden = {product_id for product_id, _ in overrides.overrides}
        overridden |= set(ids.loc[ids["former_ids"] != "[]", "product_id"])
        self.origins = Origins(rules, overridden)

    def are_current(self, known: "pd.DataFrame", digest: str | None) -> "pd.Series[bool]":
        """Which rows of the last table are as they would be rendered now.

        Args:
            known: their identities.
            digest: of what that table was made from, which proves that no origin has changed.
        """
        overridden = is_in(known["product_id"], self.origins.overridden)
        current = (known["origin"] != NO_ORIGIN) & ~overridden
        if digest != self.digest:
            parts = (group.to_pandas() for group in self._products.read_groups())
            origins = [origin for part in parts for _, origin in self.origins.find(part)]
            current &= is_in(known["origin"], origins)
        return current

    def find_missing(
        self, rows: "pd.DataFrame", *, of_words: bool
    ) -> "Iterator[tuple[list[Shot], pd.DataFrame]]":
        """Some thousand products at a time that lack rows of some shots, and these shots.

        Args:
            rows: the identities of those that there are.
            of_words: whether those are wanted that follow from the product's words alone, or else
                those that a photo, an override or a former id has a part in.
        """
        import numpy as np

        lacks = np.zeros(len(self.product_ids), int)
        is_plain = ~is_in(self.product_ids, self.origins.overridden)
        for place, shot in enumerate(self.shots):
            wanted = (is_plain & (shot.mode == "generate")) == of_words
            if wanted.any():
                has = is_in(self.product_ids, rows.loc[rows["shot"] == shot.name, "product_id"])
                lacks[wanted & ~has] |= 1 << place
        columns, start = self._products.column_names(), 0
        for group, count in enumerate(self._products.count_groups()):
            codes = lacks[start : start + count]
            start += count
            if codes.any():
                products = self._products.read_group(group, columns).to_pandas()
                for code in np.unique(codes[codes > 0]).tolist():
                    lacking = [shot for place, shot in enumerate(self.shots) if code >> place & 1]
                    yield lacking, products[codes == code]

    def list_photo_addresses(self, rows: "pd.DataFrame") -> Iterator[tuple[str, ...]]:
        """Those that the requests follow from which these rows of a table are not of."""
        if any(shot.mode == "edit" for shot in self.shots):
            for lacking, products in self.find_missing(rows, of_words=False):
                yield from list_photo_addresses(read_products(products), lacking, self.overrides)

    def order(self, rows: "pd.DataFrame") -> "np.ndarray":
        """The places of the rows in the order of the products, and of the shots within each."""
        import numpy as np
        import pandas as pd

        products = pd.Index(self.product_ids).get_indexer(pd.Index(rows["product_id"]))
        shots = pd.Index([shot.name for shot in self.shots]).get_indexer(pd.Index(rows["shot"]))
        return np.argsort(products * len(self.shots) + shots, kind="stable")


@cache
def _code_sha256() -> str:
    """Of the modules that a request follows from: where one changes, all is rendered again."""
    code = hashlib.sha256()
    for name in (*(f"{module}.py" for module in DECIDING_MODULES), *DECIDING_DATA):
        code.update((_PACKAGE / name).read_bytes())
    return code.hexdigest()
