"""The Dagster UI, served as `flux-assets dev` does."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir

import dagster as dg

from flux_assets.commands.component import base_folder, find_definitions
from flux_assets.commands.dagster_dev import is_answered
from flux_assets.commands.dagster_home import open_instance, prepare_dagster_home
from flux_assets.commands.first_pages import describe_first_pages
from flux_assets.commands.people import people
from flux_assets.commands.shop import read_names, read_settings
from flux_assets.commands.sole_places import take_alone
from flux_assets.errors import FluxAssetsError

_LAUNCHER = "flux_assets.commands.dagster_dev"
_LOCK = "flux_assets_dev.lock"
_HIGHEST_PORT = 65535
_WORKSPACE = Path("workspace.yaml")


class ServeError(FluxAssetsError):
    """The UI cannot be served here."""


def serve_ui(port: int) -> None:
    """Become Dagster's own `dev` command, which serves the working folder's workspace, or ours.

    Raises:
        ServeError: the web server is not installed, one runs already, or something listens there.
        SettingsError, DagsterHomeError: nothing can run here.
    """
    settings = read_settings()
    if find_spec("dagster_webserver") is None:
        raise ServeError(
            "Dagster's web server is not installed; `pip install 'flux-assets[ui]'` installs it"
        )
    address = f"http://127.0.0.1:{port}"
    _take(port, prepare_dagster_home(), address)
    with open_instance() as instance:
        _begin_events(instance)
        text = describe_first_pages(settings, read_names(settings), instance, address)
    people.print(f"Starting Dagster at {address}: about 10 s", markup=False)
    arguments = [str(port), text, "-h", "127.0.0.1", "-p", str(port)]
    os.chdir(base_folder())
    arguments += ["-w", str(_WORKSPACE)] if _WORKSPACE.exists() else ["-m", find_definitions()]
    # A script starts what it puts into the background deaf to Ctrl-C, and Dagster then to SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(  # noqa: S606 - this interpreter
        sys.executable, [sys.executable, "-m", _LAUNCHER, *arguments]
    )


def _take(port: int, home: Path, address: str) -> None:
    """Have home and port alone from here on: Dagster itself listens only some seconds later."""
    told = take_alone(home / _LOCK, f"{address} (process {os.getpid()})")
    if told is not None:
        raise ServeError(
            f"flux-assets dev runs already for {home}: {told}; open that page, or end that process"
        )
    other = f"flux-assets dev --port {port + 1 if port < _HIGHEST_PORT else 3000}"
    lock = Path(gettempdir(), f"flux_assets_dev_{os.getuid()}_{port}.lock")
    told = take_alone(lock, f"{home} (process {os.getpid()})")
    if told is not None:
        raise ServeError(
            f"port {port} belongs to the flux-assets dev of {told}; end that, or choose another "
            f"one: {other}"
        )
    if is_answered(port):
        raise ServeError(
            f"something listens on port {port} already, perhaps another Dagster; end it, or choose "
            f"another one: {other}"
        )


def _begin_events(instance: dg.DagsterInstance) -> None:
    """Let the daemon take up events from here on, as it does by itself, but with a warning each."""
    ends = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS)
    names = {f"EVENT_LOG_CONSUMER_CURSOR-{end.value}" for end in ends}
    begun = instance.daemon_cursor_storage.get_cursor_values(names)
    last = str(instance.event_log_storage.get_maximum_record_id() or 0)
    new = {name: last for name in names if name not in begun}
    if new:
        instance.daemon_cursor_storage.set_cursor_values(new)
