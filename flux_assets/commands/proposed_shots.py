"""The shots file that `flux-assets init` proposes for an export: the sample's, with its columns."""

import json
from collections.abc import Iterator, Mapping

from flux_assets.catalog.product import Catalog
from flux_assets.catalog.proposal import ColumnProposal

_PHOTO_SHOT = "\n  # The product's own photo in a new scene:"
"""Where the sample's last shot begins, which is for the sample's photos."""
_SAMPLE_SOURCE = "    source: photo  #"
_SAMPLE_CONDITION = "    only_if:"


def propose_shots(sample: str, catalog: Catalog, proposal: ColumnProposal) -> str:
    """The sample's shots file with what was found in an export.

    Args:
        sample: the text of the sample's shots file.
        catalog: the export, read with the columns that are proposed.
        proposal: of its columns.
    """
    shots, _, photo_shot = sample.partition(_PHOTO_SHOT)
    lines = [*_describe(catalog, proposal), "", *shots.splitlines(), ""]
    lines += _photo_lines(f"{_PHOTO_SHOT}{photo_shot}".strip("\n"), catalog)
    return "\n".join(lines) + "\n"


def _describe(catalog: Catalog, proposal: ColumnProposal) -> Iterator[str]:
    yield f"# For {catalog.name}, which is read as {proposal.dialect}: {catalog.rows} rows,"
    yield f"# {len(catalog.products)} products, {len(catalog.rejected_rows)} rejected rows."
    if catalog.suspected_encoding:
        yield "#"
        yield "# Its letters are read by a guess, so nothing is bought until a person says that it"
        yield "# is right: look at the titles in `flux-assets plan`, then take the # away."
        yield f"#encoding: {catalog.suspected_encoding}"
    if proposal.guessed:
        yield "#"
        yield "# No column is recognised as these. They are guesses: look at `flux-assets plan`,"
        yield "# and correct them. If rows are variants or drafts, name the columns that say so,"
        yield "# too: parent, row_type, published."
        yield "columns:"
        yield from _map(proposal.guessed, "  ")
        yield "  # As recognised; take the # away to read another column."
        yield from _map(proposal.recognised, "#  ")
        return
    yield "#"
    yield "# From which column each field is read, as recognised. To read another one, take the #"
    yield "# away from `columns:` and from its line. null: the export has no such column."
    yield "#columns:"
    yield from _map(proposal.recognised, "#  ")


def _map(columns: Mapping[str, str], start: str) -> Iterator[str]:
    for field, header in columns.items():
        yield f"{start}{field}: {json.dumps(header, ensure_ascii=False)}"


def _photo_lines(photo_shot: str, catalog: Catalog) -> Iterator[str]:
    """The shot that is made from photos, ready to be switched on: it is asked for, not assumed."""
    count = sum(bool(product.image_url) for product in catalog.products)
    yield f"  # {count} of the {len(catalog.products)} products have a photo (image_url)."
    if not count:
        yield "  # With photos the next shot could be made; `source` names the column of them."
    else:
        yield "  # To make a picture from each, take the first # away from each line below."
    for line in photo_shot.splitlines():
        if line.startswith(_SAMPLE_CONDITION):
            continue
        yield "#    source: image_url" if line.startswith(_SAMPLE_SOURCE) else f"#{line}"
