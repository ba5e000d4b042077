"""What the shots file writes over a product's fields: the templates of prompts, and conditions.

Both are the operator's and may be wrong; what the catalog says is never trusted and never
compiled. So both are sandboxed, always end, and can only write text and numbers, which also
keeps the same row from ever giving two prompts.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError, UndefinedError
from jinja2.filters import FILTERS
from jinja2.parser import Parser
from jinja2.runtime import StrictUndefined
from jinja2.utils import missing

from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.text_growth import (
    LIMITED_FILTERS,
    GrowthLimitedEnvironment,
    limit_concatenation,
    makes_lists,
)

PRODUCT_FIELDS = tuple(
    product_field.name
    for product_field in fields(Product)
    if product_field.name not in {"line", "columns"}
)

# Each ends soon and gives the same for the same text: none that pads, repeats or draws lots.
_FILTERS = (
    *("capitalize", "default", "first", "float", "int", "join", "last", "length", "list"),
    *("lower", "replace", "sort", "title", "trim", "truncate", "unique", "upper", "wordcount"),
)
_TEXT_METHODS = frozenset(
    {"capitalize", "endswith", "lower", "replace", "split", "startswith", "strip", "title", "upper"}
)
_GROWING_OPERATORS = (nodes.Mul, nodes.Pow, nodes.Mod)  # on text, * repeats and % pads

# Beside Jinja2's errors, a template's operators, methods and filters raise Python's own.
_TEMPLATE_FAILURES = (
    *(jinja2.TemplateError, ArithmeticError, AssertionError),
    *(LookupError, TypeError, ValueError),
)
_STATEMENTS = (nodes.Output, nodes.If, nodes.For, nodes.Assign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An expression over a product's fields, and its line in the shots file."""

    text: str
    line: int


def check_template(text: str) -> None:
    """Compile a template without rendering it.

    Raises:
        ValueError: it cannot be compiled, or uses what prompts may not.
    """
    _compile_template(text)


def check_condition(text: str) -> None:
    """Compile a condition without asking it of a product.

    Raises:
        ValueError: it is no expression, or uses what prompts may not.
    """
    _compile_condition(text)


def render_pieces(text: str, product: Product, *, shot: str) -> Iterator[str]:
    """Write a template piece by piece, so that who reads can stop a loop.

    Raises:
        PromptError: a field is missing or empty, or the template fails.
    """
    try:
        template = _compile_template(text)
        yield from template.compiled.generate(_values(template, product))
    except _EmptyFieldError as error:
        name = str(error.message)
        problem = (
            f"the field {name!r} is empty; give it a value, or write "
            f"{{% if {name} %}}...{{% endif %}} around its words"
        )
        raise PromptError(product.product_id, shot, problem, field=name) from error
    except _UnknownFieldError as error:
        name = str(error.message)
        problem = _describe_unknown(name, product)
        raise PromptError(product.product_id, shot, problem, field=name) from error
    except _TEMPLATE_FAILURES as error:
        raise PromptError(product.product_id, shot, f"cannot be rendered: {error}") from error


def is_met(condition: Condition, product: Product, *, shot: str) -> bool:
    """Ask a condition of a product; a field without a value is the empty text.

    Raises:
        PromptError: a field is not there, or the condition fails.
    """
    where = f"the condition in line {condition.line} of the shots file"
    try:
        compiled = _compile_condition(condition.text)
        return "".join(compiled.compiled.generate(_values(compiled, product))) == str(True)
    except _UnknownFieldError as error:
        name = str(error.message)
        problem = f"{where}: {_describe_unknown(name, product)}"
        raise PromptError(product.product_id, shot, problem, field=name) from error
    except _TEMPLATE_FAILURES as error:
        problem = f"{where} cannot be evaluated: {error}"
        raise PromptError(product.product_id, shot, problem) from error


class _UnknownFieldError(UndefinedError):
    """A name was used that is no field; the message is the name."""


class _EmptyFieldError(UndefinedError):
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
            hint, exc = name, _UnknownFieldError
        super().__init__(hint, obj, name, exc)


class _EmptyField(jinja2.Undefined):
    """A field without a value: tests as empty text, takes a `default`, and cannot be written.

    A prompt with a hole in it ("a chair in , on white") would still cost a picture.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(name, name=name, exc=_EmptyFieldError)

    def __str__(self) -> str:
        raise _EmptyFieldError(self._undefined_name)

    def __eq__(self, other: object) -> bool:
        return other == "" or isinstance(other, _EmptyField)

    def __hash__(self) -> int:
        return hash("")


def _only_text(value: object) -> object:
    """Let text and numbers through; a list or a method has no place in a prompt."""
    if isinstance(value, str | int | float | jinja2.Undefined):
        return value
    raise SecurityError(f"a {type(value).__name__} cannot be written into a prompt")


def _has_value(value: object) -> bool:
    return not isinstance(value, jinja2.Undefined) and value != ""


def _has_no_value(value: object) -> bool:
    return not _has_value(value)


def _value_or(value: object, *arguments: object, **keywords: object) -> object:
    """Jinja2's `default`, which asks no more than whether a value is undefined."""
    given = value if _has_value(value) else _UnknownField()
    return FILTERS["default"](given, *arguments, **keywords)


def _build_environment() -> GrowthLimitedEnvironment:
    environment = GrowthLimitedEnvironment(undefined=_UnknownField, finalize=_only_text)
    environment.globals.clear()
    environment.filters = {name: FILTERS[name] for name in _FILTERS} | LIMITED_FILTERS
    return environment


def _build_condition_environment() -> GrowthLimitedEnvironment:
    """The templates' own, where empty text is as little `defined` as an empty field is there."""
    environment = _build_environment()
    environment.filters["default"] = _value_or
    environment.tests |= {"defined": _has_value, "undefined": _has_no_value}
    return environment


_TEMPLATES = _build_environment()
_CONDITIONS = _build_condition_environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A template or condition with the fields that it reads, each with its stand-in if empty."""

    compiled: jinja2.Template
    fields: Mapping[str, "_EmptyField | str"]


@lru_cache(maxsize=1_000)
def _compile_template(text: str) -> _Compiled:
    compiled, names = _compile("template", lambda: _TEMPLATES.parse(text), _TEMPLATES)
    return _Compiled(compiled=compiled, fields={name: _EmptyField(name) for name in names})


@lru_cache(maxsize=1_000)
def _compile_condition(text: str) -> _Compiled:
    compiled, names = _compile("condition", lambda: _parse_condition(text), _CONDITIONS)
    return _Compiled(compiled=compiled, fields=dict.fromkeys(names, ""))


def _compile(
    kind: str, parse: Callable[[], nodes.Template], environment: jinja2.Environment
) -> tuple[jinja2.Template, set[str]]:
    try:
        tree = parse()
        for node in tree.find_all(nodes.Node):
            _check_node(node)
        limit_concatenation(tree)
        return environment.from_string(tree), meta.find_undeclared_variables(tree)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno} of the {kind}: {error.message}") from error
    except (SyntaxError, RecursionError) as error:  # Python's own limits on nesting
        raise ValueError(f"the {kind} is nested too deeply: {error}") from error


def _parse_condition(text: str) -> nodes.Template:
    """A template that writes whether the condition holds.

    In an `if`, Jinja2 would not look for unknown filters before it is rendered.
    """
    parser = Parser(_CONDITIONS, text, state="variable")
    test = parser.parse_expression()
    rest = parser.stream.current
    if not parser.stream.eos:
        raise jinja2.TemplateSyntaxError(f"cannot be read from {rest.value!r} on", rest.lineno)
    tree = nodes.Template([nodes.Output([nodes.Not(nodes.Not(test))])], lineno=1)
    tree.set_environment(_CONDITIONS)
    return tree


def _check_node(node: nodes.Node) -> None:
    """Keep every template finite: one loop runs as often as a field is long, two may not end."""
    problem = None
    if isinstance(node, _GROWING_OPERATORS):
        problem = f"the operator {node.operator} is not available"
    elif isinstance(node, nodes.Call) and not (
        isinstance(node.node, nodes.Getattr) and node.node.attr in _TEXT_METHODS
    ):
        problem = f"only {', '.join(sorted(_TEXT_METHODS))} of a text can be called"
    elif isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
        problem = f"{type(node).__name__.lower()} is not available; if, for and set are"
    elif isinstance(node, nodes.Assign) and makes_lists(node):
        problem = "a set of a list with values in it is not available"
    elif isinstance(node, nodes.For) and node.find(nodes.For):
        problem = "a for inside a for is not available"
    if problem:
        raise TemplateAssertionError(problem, node.lineno)


def _values(template: _Compiled, product: Product) -> dict[str, object]:
    """The values of those fields alone that are read: an export may have a hundred."""
    values: dict[str, object] = {}
    for name, empty in template.fields.items():
        value = getattr(product, name) if name in PRODUCT_FIELDS else product.columns.get(name)
        if value is not None:
            values[name] = value or empty
    return values


def _describe_unknown(name: str, product: Product) -> str:
    known = [*PRODUCT_FIELDS, *product.columns]
    near = difflib.get_close_matches(name, known)
    hint = f"near it: {', '.join(near)}" if near else f"there are: {', '.join(known)}"
    return f"there is no field {name!r}; {hint}"
