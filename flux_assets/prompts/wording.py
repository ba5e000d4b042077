"""The rules of `wording.yaml`, which say how a text is read for a prompt."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

WORDING_FILE = Path(__file__).with_name("wording.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The file's keys; every set of marks is a text of single characters."""

    abbreviations: frozenset[str]
    before_numbers: frozenset[str]
    before_ordinals: frozenset[str]
    ends: str
    wide_ends: str
    closing: str
    double_marks: str
    other_marks: str
    single_marks: str


@cache
def read_wording() -> Wording:
    """Read the package's own file, once."""
    plain = yaml.safe_load(WORDING_FILE.read_text("utf-8"))
    return Wording(
        abbreviations=frozenset(word for line in plain.pop("abbreviations") for word in line),
        before_numbers=frozenset(plain.pop("before_numbers")),
        before_ordinals=frozenset(plain.pop("before_ordinals")),
        **plain,
    )
