"""Where on the review page, or in the gallery, people find one picture."""

from urllib.parse import quote

from flux_assets.settings import Settings


def find_address(settings: Settings, product_id: str, shot: str) -> str:
    """The address of one picture there; empty where no setting says where the page is."""
    if not settings.review_url:
        return ""
    place = f"#product={quote(product_id, safe='')}&shot={quote(shot, safe='')}"
    end = "" if settings.review_url.endswith(".html") else "/"
    return f"{settings.review_url}{end}{place}"
