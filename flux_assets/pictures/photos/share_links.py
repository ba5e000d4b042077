"""Addresses that lead to a page about a photo, never to the photo: named as what they are."""

from urllib.parse import urlsplit

_SHARE_SITES = {
    "1drv.ms": "OneDrive",
    "onedrive.live.com": "OneDrive",
    "sharepoint.com": "SharePoint",
    "we.tl": "WeTransfer",
    "wetransfer.com": "WeTransfer",
    "photos.app.goo.gl": "Google Photos",
    "photos.google.com": "Google Photos",
    "share.icloud.com": "iCloud",
    "icloud.com": "iCloud",
    "box.com": "Box",
    "mega.nz": "MEGA",
    "disk.yandex.ru": "Yandex Disk",
    "yadi.sk": "Yandex Disk",
}
_FOLDERS = {
    "drive.google.com": ("/drive/folders/", "/drive/u/", "/folderview", "/folders/"),
    "dropbox.com": ("/sh/", "/scl/fo/", "/home/"),
}


def describe_share_link(address: str) -> str:
    """What a share link leads to instead of a photo; empty for any other address.

    Args:
        address: a full one, of `http(s)://`.
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    for site, beginnings in _FOLDERS.items():
        if host == site and parts.path.startswith(beginnings):
            return "is a link to a folder; give the link of the one photo in it"
    for site, name in _SHARE_SITES.items():
        if host == site or host.endswith(f".{site}"):
            return (
                f"is a share link of {name}, which leads to a page and not to the photo; put the "
                "photo on a web server, into a bucket, or beside the catalog"
            )
    return ""
