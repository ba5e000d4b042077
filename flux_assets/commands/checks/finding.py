"""What a check says: one line with a verdict."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from flux_assets.errors import FluxAssetsError
from flux_assets.os_errors import explain_refusal

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line for people; where it is no `ok`, `detail` says what to do.

    A problem stops a refresh or breaks its promises. With a warning it goes on, though pictures
    will be missing or something beside it will not work.
    """

    name: str
    verdict: Verdict
    detail: str

    def to_json(self) -> dict[str, str]:
        """The plain form that `flux-assets check --json` prints."""
        return {"name": self.name, "verdict": self.verdict, "detail": self.detail}


Check = Callable[[], Iterable[Finding]]


def run_checks(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Every finding of every check; one that fails is a problem of its name, and the next go on."""
    for name, check in checks.items():
        try:
            yield from check()
        except FluxAssetsError as error:
            yield Finding(name=name, verdict="problem", detail=str(error))
        except OSError as error:
            detail = explain_refusal(error) or f"{type(error).__name__}: {error}"
            yield Finding(name=name, verdict="problem", detail=detail)


def name_first(texts: Iterable[str], *, shown: int = 3) -> str:
    """The first few texts and how many more there are, in one line."""
    everything = list(texts)
    more = len(everything) - shown
    return "; ".join(everything[:shown]) + (f"; and {more} more" if more > 0 else "")
