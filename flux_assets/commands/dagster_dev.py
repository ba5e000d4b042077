"""Dagster's own `dev` command, made to say nothing that is no news, and where to look first.

`flux-assets dev` becomes this process: `python -m flux_assets.commands.dagster_dev PORT TEXT ...`.
"""

import logging
import socket
import sys
import threading
import time
import warnings

from flux_assets.commands.people import people

_ONLY_HERE = "Found a dagster instance configuration value"
"""Of the `dagster.yaml` that the home in `.flux_assets` was made from."""
_PAUSE_SECONDS = 0.3


def main() -> None:
    """Run `dagster dev` with the arguments after the text; the text is told once the UI answers."""
    port, text, *arguments = sys.argv[1:]
    warnings.filterwarnings("ignore", message="Function `dev_command` is superseded")
    logging.getLogger("dagster").addFilter(
        lambda record: not record.getMessage().startswith(_ONLY_HERE)
    )
    threading.Thread(target=_tell, args=(int(port), text), daemon=True).start()
    from dagster._cli import main as run_dagster

    sys.argv = ["dagster", "dev", *arguments]
    run_dagster()  # type: ignore[no-untyped-call]  # it has no types


def _tell(port: int, text: str) -> None:
    while not is_answered(port):
        time.sleep(_PAUSE_SECONDS)
    people.print(text, markup=False, soft_wrap=True)


def is_answered(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
