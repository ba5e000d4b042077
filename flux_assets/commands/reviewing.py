"""The review page served as `flux-assets review` does."""

import ipaddress
import os
import signal
import socket
from contextlib import suppress

from rich.markup import escape

from flux_assets.commands.deciding import name_person
from flux_assets.commands.people import people
from flux_assets.commands.shop import look_at_shop, read_settings
from flux_assets.errors import FluxAssetsError, SettingsError, StoreError
from flux_assets.publishing.interrupted import finish_or_refuse
from flux_assets.settings import Settings, variable_of
from flux_assets.storage.object_store import ObjectStore
from flux_assets.web.access import Access, Proxy
from flux_assets.web.app import build_app
from flux_assets.web.live import LivePictures
from flux_assets.web.server import listen, serve

_HIGHEST_PORT = 65535


class ReviewError(FluxAssetsError):
    """The page cannot be served so."""


def serve_review(*, port: int, address: str, rerolls: bool) -> None:
    """Serve until interrupted.

    Raises:
        ReviewError: the address is not for the public without a proxy, or is taken.
        NoStoreError: there is no store.
        FluxAssetsError: the settings or the store cannot be used.
    """
    settings = read_settings(buys=False)
    if rerolls and settings.overrides is None:
        problem = "is not set; --allow-rerolls writes into the file that it names"
        raise SettingsError(variable_of("overrides"), problem)
    proxy = read_proxy(settings)
    if proxy is None and not is_loopback(address):
        raise ReviewError(
            f"--bind {address} is an address that others reach, where nobody says who they are; "
            "leave it out, or put a proxy before it and set FLUX_ASSETS_REVIEW_HOST, "
            "FLUX_ASSETS_REVIEW_USER_HEADER and FLUX_ASSETS_REVIEW_PROXY_SECRET (docs/review.md)"
        )
    with look_at_shop(settings, step="review") as shop, _listen(address, port) as listener:
        finished = _finish_interrupted(shop.store)
        port = listener.getsockname()[1]
        access = (
            Access.behind(proxy, settings.review_host or "")
            if proxy
            else Access.of_this_machine(port, name_person(), address)
        )
        live = LivePictures(settings, shop.store)
        count = len(live.open().sheet)

        def announce() -> None:
            _announce(settings, address, port, count, is_proxied=proxy is not None)
            if finished:
                people.print(f"Decisions that an earlier end cut off, made now: {finished}.")

        # A script starts what it puts into the background deaf to Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            serve(build_app(live, access, rerolls=rerolls), listener, announce)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise ReviewError(f"--bind {address} is no address, such as 127.0.0.1") from error


def read_proxy(settings: Settings) -> Proxy | None:
    """What a proxy sends along, by the settings; None where there is none."""
    if settings.review_user_header is None or settings.review_proxy_secret is None:
        return None
    return Proxy(
        secret=settings.review_proxy_secret.get_secret_value(),
        user_header=settings.review_user_header,
        role_header=settings.review_role_header or "",
        reviewers=frozenset(settings.review_reviewers),
    )


def _finish_interrupted(store: ObjectStore) -> int:
    """Go on with what was cut off; people may look at pictures though it cannot be done."""
    try:
        return finish_or_refuse(store)
    except StoreError as error:
        people.print(f"[bold yellow]Note:[/] {escape(str(error))}", soft_wrap=True)
        return 0


def _listen(address: str, port: int) -> socket.socket:
    try:
        return listen(address, port)
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else str(error)
        other = port + 1 if port < _HIGHEST_PORT else 0
        raise ReviewError(
            f"{address}, port {port}: {told}; choose another one, as --port {other}"
        ) from error


def _announce(settings: Settings, address: str, port: int, count: int, *, is_proxied: bool) -> None:
    where = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    if is_proxied:
        where = f"https://{settings.review_host}, by your proxy, which finds it at {where}"
    people.print(f"{count} pictures to look at: {where}", markup=False, soft_wrap=True)
    people.print("End it with Ctrl-C.")
