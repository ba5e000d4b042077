"""Text that several prompts share: written once in the shots file, under a name."""

import re
from collections.abc import Mapping

MAX_PROMPT_SOURCE_CHARACTERS = 100_000
"""Of a prompt with its phrases written out; phrases in phrases could double without end."""

_REFERENCE = re.compile(r"(\s*\{\{-|\{\{)\s*phrases\.(\w+)\s*(-\}\}\s*|\}\})")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def read_phrases(plain: object) -> dict[str, str]:
    """The phrases of a shots file as it was parsed, each with those above it written out.

    What is no phrase is left for the file's own checks to tell.
    """
    given = plain.get("phrases") if isinstance(plain, dict) else None
    phrases: dict[str, str] = {}
    for name, text in given.items() if isinstance(given, dict) else ():
        if isinstance(text, str):
            phrases[name] = _write_known(text, phrases)
    return phrases


def write_phrases(text: str, phrases: Mapping[str, str]) -> str:
    """A template with each `{{ phrases.name }}` replaced by that phrase's template.

    Raises:
        ValueError: there is no such phrase, or the text gets too long.
    """
    written = _write_known(text, phrases)
    unknown = _REFERENCE.search(written)
    if unknown:
        known = ", ".join(phrases) or "none"
        raise ValueError(f"there is no phrase {unknown[2]!r} above; known are {known}")
    if len(written) > MAX_PROMPT_SOURCE_CHARACTERS:
        raise ValueError(
            f"with its phrases, longer than {MAX_PROMPT_SOURCE_CHARACTERS:,} characters"
        )
    return written


def check_phrase_name(name: str) -> str:
    """Give the name back.

    Raises:
        ValueError: it cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a phrase's name takes lower-case letters, digits and _, at most 40")
    return name


def _write_known(text: str, phrases: Mapping[str, str]) -> str:
    def written(reference: re.Match[str]) -> str:
        return phrases.get(reference[2], reference[0])[: MAX_PROMPT_SOURCE_CHARACTERS + 1]

    if len(text) > MAX_PROMPT_SOURCE_CHARACTERS:
        return text
    return _REFERENCE.sub(written, text)[: MAX_PROMPT_SOURCE_CHARACTERS + 1]
