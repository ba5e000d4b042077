"""Each current picture with its decision, as a table that people can change and give back."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import get_args

from flux_assets.catalog.text_encoding import decode_text
from flux_assets.errors import CatalogError
from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.decision import Decision, DecisionError, DecisionVerdict, Wish
from flux_assets.publishing.decisions import Decisions
from flux_assets.storage.formula_cells import neutralise, read_neutralised
from flux_assets.storage.frames import read_rows

_OF_MANIFEST = ("product_id", "shot", "title", "object_uri", "request_fingerprint", "sha256")
COLUMNS = (
    *("product_id", "shot", "title", "verdict", "reasons", "note", "shows_person"),
    *("by", "at", "via", "object_uri", "revision", "fingerprint", "sha256"),
)
"""Those of the file; a person changes `verdict`, `reasons`, `note` and `shows_person`."""
_NEEDED = ("verdict", "revision", "fingerprint", "sha256")
_LIST_SIGN = "; "
_PERSON: Mapping[str, bool | None] = {
    **dict.fromkeys(("yes", "true", "1"), True),
    **dict.fromkeys(("no", "false", "0"), False),
    "": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedPicture:
    """A picture that the manifest has, and what was decided of its very bytes.

    `revision` is that of its request's decision, of whichever bytes.
    """

    product_id: str
    shot: str
    title: str
    object_uri: str
    fingerprint: str
    sha256: str
    revision: int
    decision: Decision | None

    @property
    def verdict(self) -> DecisionVerdict:
        """`undecided` where nobody decided."""
        return self.decision.verdict if self.decision else "undecided"

    def wish(
        self,
        verdict: DecisionVerdict,
        *,
        reasons: Sequence[str] = (),
        note: str | None = None,
    ) -> Wish:
        """What decides otherwise of it, upon what is decided now; what is not said stays."""
        made = self.decision
        return Wish(
            fingerprint=self.fingerprint,
            sha256=self.sha256,
            verdict=verdict,
            seen_revision=self.revision,
            reasons=tuple(reasons),
            note=note if note is not None else made.note if made else "",
            shows_person=made.shows_person if made else None,
        )

    def to_json(self) -> dict[str, object]:
        """One plain row, with COLUMNS."""
        made = self.decision
        return {
            "product_id": self.product_id,
            "shot": self.shot,
            "title": self.title,
            "verdict": self.verdict,
            "reasons": list(made.reasons) if made else [],
            "note": made.note if made else "",
            "shows_person": made.shows_person if made else None,
            "by": made.by if made else "",
            "at": made.at if made else "",
            "via": made.via if made else "",
            "object_uri": self.object_uri,
            "revision": self.revision,
            "fingerprint": self.fingerprint,
            "sha256": self.sha256,
        }


def list_decided(manifest: StoredManifest, decisions: Decisions) -> Iterator[DecidedPicture]:
    """Every picture of the manifest, in its order.

    Raises:
        StoreError: the manifest is damaged.
    """
    for *facts, fingerprint, sha256 in read_rows(manifest.read(_OF_MANIFEST), _OF_MANIFEST):
        known = decisions.find(fingerprint)
        product_id, shot, title, object_uri = facts
        yield DecidedPicture(
            product_id=product_id,
            shot=shot,
            title=title,
            object_uri=object_uri,
            fingerprint=fingerprint,
            sha256=sha256,
            revision=known.revision if known else 0,
            decision=known.of_bytes(sha256) if known else None,
        )


def write_csv(pictures: Iterable[DecidedPicture]) -> str:
    """The pictures as CSV, of which no cell runs as a spreadsheet's formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for picture in pictures:
        row = picture.to_json()
        shown = {None: "", True: "yes", False: "no"}[row["shows_person"]]  # type: ignore[index]
        reasons = _LIST_SIGN.join(picture.decision.reasons if picture.decision else ())
        row |= {"shows_person": shown, "reasons": reasons}
        writer.writerow([neutralise(str(row[name])) for name in COLUMNS])
    return text.getvalue()


def read_csv(data: bytes, name: str, decisions: Decisions) -> list[Wish]:
    """What a person changed in a file that `write_csv` wrote; a row left as it was is no wish.

    Args:
        data: the file as a spreadsheet saves it: UTF-8, UTF-16 or Windows-1252, its cells parted
            by `,`, `;` or tabs.
        name: the file's name, for messages.
        decisions: those of now, with what they were before.

    Raises:
        DecisionError: it is no such file, a row cannot be understood, or two say different things
            of one picture; with its line.
    """
    text = _decode(data, name)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    with _damage_told(reader, name):
        absent = [it for it in _NEEDED if it not in (reader.fieldnames or ())]
    if absent:
        problem = f"has no column {', '.join(absent)}; begin with `flux-assets decide --export`"
        raise DecisionError(f"{name}, line 1: {problem}")
    wishes: dict[tuple[str, str], tuple[int, Wish]] = {}
    for cells in _iterate(reader, name):
        row = {key: read_neutralised(it or "") for key, it in cells.items() if key}
        if not any(map(str.strip, row.values())):
            continue  # spreadsheets leave some at the end
        product_id = row.get("product_id", "")
        where = f"{name}, line {reader.line_num}{f', product {product_id!r}' if product_id else ''}"
        try:
            wish = _read_row(row)
            wish.check()
        except (DecisionError, ValueError) as error:
            raise DecisionError(f"{where}: {error}") from error
        line, first = wishes.setdefault((wish.fingerprint, wish.sha256), (reader.line_num, wish))
        if first != wish:
            raise DecisionError(f"{where}: line {line} says otherwise of the same picture")
    return [wish for _, wish in wishes.values() if not _is_as_it_was(wish, decisions)]


def _iterate(reader: "csv.DictReader[str]", name: str) -> Iterator[Mapping[str, str]]:
    while True:
        with _damage_told(reader, name):
            cells = next(reader, None)
        if cells is None:
            return
        yield cells


@contextmanager
def _damage_told(reader: "csv.DictReader[str]", name: str) -> Iterator[None]:
    line = reader.line_num + 1
    try:
        yield
    except csv.Error as error:
        problem = f"cannot be read from here on ({error}); is a quote not closed?"
        raise DecisionError(f"{name}, line {line}: {problem}") from error


def _decode(data: bytes, name: str) -> str:
    try:
        decoded = decode_text(data, name)
    except CatalogError as error:
        raise DecisionError(f"{name}: is in no known encoding; save it as CSV UTF-8") from error
    if decoded.is_suspected:
        problem = f"its letters might be {decoded.encoding}, or others; save it as CSV UTF-8"
        raise DecisionError(f"{name}: {problem}")
    return decoded.text


def _read_row(row: Mapping[str, str]) -> Wish:
    verdict = row["verdict"].strip().lower() or "undecided"
    if verdict not in get_args(DecisionVerdict):
        expected = ", ".join(get_args(DecisionVerdict))
        raise DecisionError(f"the verdict is {row['verdict']!r}, not one of {expected}")
    revision = row["revision"].strip()
    if revision and not (revision.isascii() and revision.isdigit()):
        raise DecisionError(f"the revision is {revision!r}; leave it as it was exported")
    person = row.get("shows_person", "").strip().lower()
    if person not in _PERSON:
        raise DecisionError(f"shows_person is {person!r}, not yes, no or nothing")
    return Wish(
        fingerprint=row["fingerprint"].strip(),
        sha256=row["sha256"].strip(),
        verdict=verdict,  # type: ignore[arg-type]  # it is one of them
        seen_revision=int(revision or 0),
        reasons=_split_reasons(row.get("reasons", "")),
        note=row.get("note", "").strip(),
        shows_person=_PERSON[person],
    )


def _split_reasons(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, cell.split(_LIST_SIGN.strip()))))


def _is_as_it_was(wish: Wish, decisions: Decisions) -> bool:
    """Whether a row says what held of its picture at the revision that it was exported with."""
    known = decisions.find(wish.fingerprint)
    chain = (known, *reversed(known.history)) if known else ()
    before = next(
        (it for it in chain if it.sha256 == wish.sha256 and it.revision <= wish.seen_revision),
        None,
    )
    if before is None:
        said = (wish.verdict, wish.reasons, wish.note, wish.shows_person)
        return said == ("undecided", (), "", None)
    reasons = _split_reasons(_LIST_SIGN.join(before.reasons))
    return (before.verdict, reasons, before.note.strip(), before.shows_person) == (
        wish.verdict,
        wish.reasons,
        wish.note,
        wish.shows_person,
    )
