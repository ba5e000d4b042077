"""One product's picture as the terminal shows it: the one before, the one after, the way back."""

import shlex

from rich.markup import escape

from flux_assets.commands.people import answers
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.planning.one_picture import OnePicture
from flux_assets.prompts.wishes import Chosen
from flux_assets.storage.object_store import ObjectStore


def describe_picture(store: ObjectStore, picture: LineageRecord | None) -> str:
    """Its fingerprint, as far as its file's name has it, and where it lies."""
    if picture is None:
        return "none"
    return f"{picture.request_fingerprint[:32]}  {store.uri_for(picture.object_key)}"


def describe_wanted(store: ObjectStore, pictures: OnePicture, otherwise: str) -> str:
    """The picture that is asked for now, or what becomes of it while it is not there."""
    if pictures.shown and pictures.shown.request_fingerprint == pictures.wanted:
        return describe_picture(store, pictures.shown)
    return f"{pictures.wanted[:32]}  not there yet: {otherwise}"


def show_pair(chosen: Chosen, shot: str, *, old: str, new: str, back: str | None) -> None:
    """Print both pictures of one shot; `back` is what `pin` takes to return, if it can."""
    product_id = chosen.product.product_id
    answers.print(f"[bold]{escape(product_id)}, {escape(shot)}[/]")
    answers.print(escape(f"  old: {old}\n  new: {new}"), soft_wrap=True)
    if back:
        line = f"flux-assets pin {shlex.quote(product_id)} --shots {shot} {back}"
        answers.print(escape(f"  to take it back: {line}"), soft_wrap=True)
