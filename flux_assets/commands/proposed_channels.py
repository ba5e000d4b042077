"""The channels file that `flux-assets init` proposes for an export: the sample's, for its kind."""

import re
from collections.abc import Mapping, Sequence

from flux_assets.catalog.proposal import ColumnProposal

_OF_KINDS: Mapping[str, tuple[str, ...]] = {
    "google_merchant": ("google", "meta"),
    "meta": ("meta",),
    "shopify": ("shopify",),
    "ebay": ("ebay",),
    "ebay_listings": ("ebay",),
}
"""The channels that know products by ids which an export of this kind has."""
_ALWAYS = "web"
_PHOTO_FIRST = "[on_the_table, hero]"
"""The sample's shot of its photos, before the one of words; only the latter is proposed."""
_SHOPIFY = re.compile(r"\{format: shopify_csv\}.*")


def propose_channels(sample: str, name: str, proposal: ColumnProposal) -> str:
    """The sample's channels file with those on that an export is for, and its proposed shots.

    Args:
        sample: the text of the sample's channels file.
        name: the export's.
        proposal: of its columns.
    """
    enabled = (*_OF_KINDS.get(proposal.kind, ()), _ALWAYS)
    head, start, channels = sample.partition("\nchannels:\n")
    blocks = re.split(r"^(?=  \w+:)", channels, flags=re.MULTILINE)
    text = "".join((head, start, *(_switch(block, enabled) for block in blocks)))
    text = text.replace(_PHOTO_FIRST, "[hero]")
    if proposal.recognised.get("product_id") == "Handle":  # the older of Shopify's two headers
        text = _SHOPIFY.sub("{format: shopify_csv, legacy: true}  # as the export's headers", text)
    return f"{_describe(name, enabled)}\n{text}"


def _switch(block: str, enabled: Sequence[str]) -> str:
    """One channel, on or off."""
    block = block.replace("    enabled: false\n", "")
    first, separator, rest = block.partition("\n")
    is_off = separator and first.strip().partition(":")[0] not in enabled
    return f"{first}\n    enabled: false\n{rest}" if is_off else block


def _describe(name: str, enabled: Sequence[str]) -> str:
    return f"""\
# For {name}: {", ".join(enabled)}. The others are off by `enabled: false`.
# Once the shots file has the shot `on_the_table`, of the products' own photos, write
# `shots: {_PHOTO_FIRST}` at `main`.
#"""
