"""What a person decided of a stored picture, what is asked for, and both as plain JSON."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, get_args

from flux_assets.errors import FluxAssetsError

DecisionVerdict = Literal["approved", "rejected", "undecided"]
Fate = Literal["made", "open", "lost"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_REASONS = 20
_LONGEST_TEXT = 2_000


class DecisionError(FluxAssetsError):
    """What was asked for is no decision that can be kept; none of its batch was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants of one picture, and the revision of its decision that the person saw.

    The picture is a request fingerprint and the sha256 of its bytes: bought again, it is another.
    `seen_revision` is 0 where nobody had decided anything; `undecided` takes a decision back.
    """

    fingerprint: str
    sha256: str
    verdict: DecisionVerdict
    seen_revision: int = 0
    reasons: tuple[str, ...] = ()
    note: str = ""
    shows_person: bool | None = None

    def check(self) -> None:
        """Make sure that it can be kept, wherever it comes from.

        Raises:
            DecisionError: it cannot.
        """
        for name in ("fingerprint", "sha256"):
            if not _SHA256.fullmatch(getattr(self, name)):
                problem = "64 hexadecimal digits in lower case"
                raise DecisionError(f"{name} is {getattr(self, name)!r}, not {problem}")
        if self.verdict not in get_args(DecisionVerdict):
            expected = ", ".join(get_args(DecisionVerdict))
            raise DecisionError(f"the verdict is {self.verdict!r}, not one of {expected}")
        if len(self.reasons) > _MOST_REASONS:
            raise DecisionError(f"more than {_MOST_REASONS} reasons for {self.fingerprint}")
        if any(len(text) > _LONGEST_TEXT for text in (*self.reasons, self.note)):
            problem = f"is longer than {_LONGEST_TEXT:,} characters"
            raise DecisionError(f"a reason or the note for {self.fingerprint} {problem}")

    def to_json(self) -> dict[str, Any]:
        """The plain form that the log keeps."""
        return {
            **_plain(self),
            "fingerprint": self.fingerprint,
            "seen_revision": self.seen_revision,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(
            fingerprint=plain["fingerprint"],
            seen_revision=int(plain["seen_revision"]),
            **_read(plain),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Wishes of one person at one time, by the store's clock: applied each for itself.

    `via` is what they came by (`decide`, `rollback`, `undo`, a page), `undoes` the batch that they
    take back.
    """

    batch: str
    by: str
    at: str
    via: str
    wishes: tuple[Wish, ...]
    undoes: str = ""

    def to_json(self) -> dict[str, Any]:
        """The plain form that the log keeps."""
        wishes = [wish.to_json() for wish in self.wishes]
        names = ("batch", "by", "at", "via", "undoes")
        return {name: getattr(self, name) for name in names} | {"wishes": wishes}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        wishes = tuple(map(Wish.from_json, plain["wishes"]))
        names = ("batch", "by", "at", "via", "undoes")
        return cls(**{name: str(plain[name]) for name in names}, wishes=wishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's decision of one picture; those that it replaced are in `history`, oldest first.

    `revision` counts a fingerprint's decisions from 1. `shows_person` is None where nobody said.
    """

    fingerprint: str
    sha256: str
    verdict: DecisionVerdict
    revision: int
    by: str
    at: str
    via: str
    batch: str
    reasons: tuple[str, ...] = ()
    note: str = ""
    shows_person: bool | None = None
    history: tuple["Decision", ...] = ()

    def of_bytes(self, sha256: str) -> "Decision | None":
        """The newest one of these very bytes; None where nobody decided of them."""
        newest_first = (self, *reversed(self.history))
        return next((it for it in newest_first if it.sha256 == sha256), None)

    def is_of(self, batch: str, sha256: str) -> bool:
        """Whether a batch made it of these bytes, or one that it replaced."""
        chain = (self, *self.history)
        return any(it.batch == batch and it.sha256 == sha256 for it in chain)

    def says(self, wish: Wish, by: str) -> bool:
        """Whether it is this person's, and just what they wish."""
        names = ("sha256", "verdict", "reasons", "note", "shows_person")
        return self.by == by and all(getattr(self, it) == getattr(wish, it) for it in names)

    def to_json(self) -> dict[str, Any]:
        """The plain form, to which the fingerprint is the key."""
        return {
            **_plain(self),
            **{name: getattr(self, name) for name in ("revision", "by", "at", "via", "batch")},
            "history": [it.to_json() for it in self.history],
        }

    @classmethod
    def from_json(cls, fingerprint: str, plain: Mapping[str, Any]) -> "Decision":
        """Read back what `to_json` wrote."""
        return cls(
            fingerprint=fingerprint,
            revision=int(plain["revision"]),
            by=str(plain["by"]),
            at=str(plain["at"]),
            via=str(plain["via"]),
            batch=str(plain["batch"]),
            history=tuple(cls.from_json(fingerprint, it) for it in plain["history"]),
            **_read(plain),
        )


def replay(
    batch: Batch, wishes: Iterable[Wish], find: Callable[[str], Decision | None]
) -> Iterator[tuple[Wish, Fate, Decision | None]]:
    """What becomes of each wish, with the decision that holds then.

    `made` ones were applied before, `open` ones can be, `lost` ones are forestalled. Those of one
    request build on each other: where one is lost, so are those after it.
    """
    holding: dict[str, Decision | None] = {}
    lost: set[str] = set()
    for wish in wishes:
        name = wish.fingerprint
        current = holding.setdefault(name, find(name))
        if current and current.is_of(batch.batch, wish.sha256):
            yield wish, "made", current
        elif name in lost or wish.seen_revision != (current.revision if current else 0):
            lost.add(name)
            yield wish, "lost", current
        else:
            holding[name] = _build_decision(wish, batch, current)
            yield wish, "open", holding[name]


def _build_decision(wish: Wish, batch: Batch, replaced: Decision | None) -> Decision:
    """The decision that a wish of a batch becomes; what it replaces goes into its history."""
    history: tuple[Decision, ...] = ()
    if replaced:
        history = (*replaced.history, replace(replaced, history=()))
    return Decision(
        fingerprint=wish.fingerprint,
        sha256=wish.sha256,
        verdict=wish.verdict,
        revision=wish.seen_revision + 1,
        by=batch.by,
        at=batch.at,
        via=batch.via,
        batch=batch.batch,
        reasons=wish.reasons,
        note=wish.note,
        shows_person=wish.shows_person,
        history=history,
    )


def _plain(of: Wish | Decision) -> dict[str, Any]:
    return {
        "sha256": of.sha256,
        "verdict": of.verdict,
        "reasons": list(of.reasons),
        "note": of.note,
        "shows_person": of.shows_person,
    }


def _read(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sha256": str(plain["sha256"]),
        "verdict": plain["verdict"],
        "reasons": tuple(map(str, plain["reasons"])),
        "note": str(plain["note"]),
        "shows_person": plain["shows_person"],
    }
