"""Where messages for people go: standard error, so that a script gets standard output alone."""

from rich.console import Console

people = Console(stderr=True, highlight=False)
