"""`python -m flux_assets` is `flux-assets`."""

import sys

_INTERRUPTED = 130
"""What a shell gives for a command that SIGINT ended."""


def main() -> None:
    """Run the command line; Ctrl-C ends its loading, too, without a traceback."""
    try:
        from flux_assets.commands.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        sys.exit(_INTERRUPTED)
    run()


if __name__ == "__main__":  # a step's process spawned by such a run imports this page anew
    main()
