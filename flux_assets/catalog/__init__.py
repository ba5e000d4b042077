"""A shop's export, as bytes, to products and rejected rows."""

from flux_assets.catalog.product import Catalog, OneSetPer, Product, RejectedRow, RejectionReason
from flux_assets.catalog.read import read_catalog

__all__ = ["Catalog", "OneSetPer", "Product", "RejectedRow", "RejectionReason", "read_catalog"]
