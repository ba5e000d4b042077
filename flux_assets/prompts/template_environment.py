"""The sandboxes of templates and conditions: what is not there, is empty, or may be written."""

from collections.abc import Callable, Mapping

import jinja2
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.filters import FILTERS
from jinja2.runtime import StrictUndefined
from jinja2.utils import missing

from flux_assets.catalog.trimming import trim
from flux_assets.prompts.quotation_marks import unquoted
from flux_assets.prompts.sentences import first_sentence
from flux_assets.prompts.text_growth import LIMITED_FILTERS, GrowthLimitedEnvironment

# Each ends soon and gives the same for the same text: none that pads, repeats or draws lots.
_FILTERS = (
    *("capitalize", "default", "first", "float", "int", "join", "last", "length", "list"),
    *("lower", "replace", "sort", "title", "truncate", "unique", "upper", "wordcount"),
)


_TEXT_FILTERS: Mapping[str, Callable[[str], str]] = {
    "first_sentence": first_sentence,
    "unquoted": unquoted,
}


class UnknownFieldError(UndefinedError):
    """A name was used that is no field; the message is the name."""


class EmptyFieldError(UndefinedError):
    """The template wrote a field that is empty for this product; the message is its name."""


class _UnknownField(StrictUndefined):
    """What is not there: fails on any use but `is defined` and `default`."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: object = missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = UndefinedError,
    ) -> None:
        if obj is missing and hint is None:
            hint, exc = name, UnknownFieldError
        super().__init__(hint, obj, name, exc)


class EmptyField(jinja2.Undefined):
    """A field without a value: tests as empty text, takes a `default`, and cannot be written.

    A prompt with a hole in it ("a chair in , on white") would still cost a picture.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, name=name, exc=EmptyFieldError)

    def __str__(self) -> str:
        raise EmptyFieldError(self._undefined_name)

    def __eq__(self, other: object) -> bool:
        return other == "" or isinstance(other, EmptyField)

    def __hash__(self) -> int:
        return hash("")


def _only_text(value: object) -> object:
    """Let text and numbers through; a list or a method has no place in a prompt."""
    if type(value) is str:  # nearly always, and isinstance takes longer
        return value
    if isinstance(value, str | int | float | jinja2.Undefined):
        return value
    raise SecurityError(f"a {type(value).__name__} cannot be written into a prompt")


def _reads_text(read: Callable[[str], str]) -> Callable[[object], str]:
    """A filter of text alone: what is empty, not there or a list fails as it does when written."""
    return lambda value: read(str(_only_text(value)))


def _has_value(value: object) -> bool:
    return not isinstance(value, jinja2.Undefined) and value != ""


def _has_no_value(value: object) -> bool:
    return not _has_value(value)


def _value_or(value: object, *arguments: object, **keywords: object) -> object:
    """Jinja2's `default`, which asks no more than whether a value is undefined."""
    given = value if _has_value(value) else _UnknownField()
    return FILTERS["default"](given, *arguments, **keywords)


def _trim(value: object, chars: str | None = None) -> str:
    """Jinja2's `trim`, which leaves a number its sign."""
    return trim(str(value), chars)


def build_template_environment() -> GrowthLimitedEnvironment:
    """One for templates, which may use few filters and none of Jinja2's functions."""
    environment = GrowthLimitedEnvironment(undefined=_UnknownField, finalize=_only_text)
    environment.globals.clear()
    environment.filters = {
        **{name: FILTERS[name] for name in _FILTERS},
        "trim": _trim,
        **LIMITED_FILTERS,
        **{name: _reads_text(read) for name, read in _TEXT_FILTERS.items()},
    }
    return environment


def build_condition_environment() -> GrowthLimitedEnvironment:
    """The templates' own, where empty text is as little `defined` as an empty field is there."""
    environment = build_template_environment()
    environment.filters["default"] = _value_or
    environment.tests |= {"defined": _has_value, "undefined": _has_no_value}
    return environment
