"""What the shots file writes over a product's fields: the templates of prompts, and conditions.

Both are the operator's and may be wrong; what the catalog says is never trusted and never
compiled. So both are sandboxed, always end, and can only write text and numbers, which also
keeps the same row from ever giving two prompts.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from types import MappingProxyType

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import TemplateAssertionError
from jinja2.parser import Parser

from flux_assets.catalog.characters import has_half
from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.prompts.taxonomy import LEVELS, find_category, find_scene
from flux_assets.prompts.template_environment import (
    EmptyField,
    EmptyFieldError,
    UnknownFieldError,
    build_condition_environment,
    build_template_environment,
)
from flux_assets.prompts.text_growth import limit_concatenation, makes_lists

PRODUCT_FIELDS = tuple(
    product_field.name
    for product_field in fields(Product)
    if product_field.name not in {"line", "columns"}
)

TAXONOMY_FIELDS = ("scene", "taxonomy")
NO_SCENES: Mapping[str, str] = MappingProxyType({})

_TEXT_METHODS = frozenset(
    {"capitalize", "endswith", "lower", "replace", "split", "startswith", "strip", "title", "upper"}
)
_GROWING_OPERATORS = (nodes.Mul, nodes.Pow, nodes.Mod)  # on text, * repeats and % pads

# Beside Jinja2's errors, a template's operators, methods and filters raise Python's own.
_TEMPLATE_FAILURES = (
    *(jinja2.TemplateError, ArithmeticError, AssertionError),
    *(LookupError, TypeError, ValueError),
)
_SHOWN_CHARACTERS = 60
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


def render(
    text: str,
    product: Product,
    *,
    shot: str,
    max_characters: int,
    scenes: Mapping[str, str] = NO_SCENES,
) -> str:
    """Write a template over a product's fields; it is stopped once it is longer than it may be.

    Raises:
        PromptError: a field is missing or empty, or the template fails.
    """
    try:
        return _write(_compile_template(text), product, scenes, max_characters)
    except EmptyFieldError as error:
        name = str(error.message)
        problem = (
            f"the field {name!r} is empty; give it a value, or write "
            f"{{% if {name} %}}...{{% endif %}} around its words"
        )
        raise PromptError(product.product_id, shot, problem, field=name) from error
    except UnknownFieldError as error:
        name = str(error.message)
        problem = _describe_unknown(name, product)
        raise PromptError(product.product_id, shot, problem, field=name) from error
    except _TEMPLATE_FAILURES as error:
        raise PromptError(product.product_id, shot, f"cannot be rendered: {error}") from error


def is_met(
    condition: Condition, product: Product, *, shot: str, scenes: Mapping[str, str] = NO_SCENES
) -> bool:
    """Ask a condition of a product; a field without a value is the empty text.

    Raises:
        PromptError: a field is not there, or the condition fails.
    """
    where = f"the condition in line {condition.line} of the shots file"
    try:
        compiled = _compile_condition(condition.text)
        written = _write(compiled, product, scenes, max_characters=len(str(True)))
        return written == str(True)
    except UnknownFieldError as error:
        name = str(error.message)
        problem = f"{where}: {_describe_unknown(name, product)}"
        raise PromptError(product.product_id, shot, problem, field=name) from error
    except _TEMPLATE_FAILURES as error:
        problem = f"{where} cannot be evaluated: {error}"
        raise PromptError(product.product_id, shot, problem) from error


def describe_fields(condition: Condition, product: Product) -> str:
    """What a condition looks at, as one product has it: `category is 'Gift cards'`."""
    compiled = _compile_condition(condition.text)
    values = _values(compiled, product, NO_SCENES)
    names = (*compiled.fields, *compiled.columns)
    shown = [f"{name} is {str(values.get(name, ''))[:_SHOWN_CHARACTERS]!r}" for name in names]
    return ", ".join(shown) or "it is so for every product"


_TEMPLATES = build_template_environment()
_CONDITIONS = build_condition_environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A template or condition with what it reads, each with its stand-in if empty.

    `fields` are the product's own, `columns` all others.
    """

    compiled: jinja2.Template
    fields: Mapping[str, EmptyField | str]
    columns: Mapping[str, EmptyField | str]


@lru_cache(maxsize=1_000)
def _compile_template(text: str) -> _Compiled:
    return _compile("template", lambda: _TEMPLATES.parse(text), _TEMPLATES, EmptyField)


@lru_cache(maxsize=1_000)
def _compile_condition(text: str) -> _Compiled:
    return _compile("condition", lambda: _parse_condition(text), _CONDITIONS, lambda _: "")


def _compile(
    kind: str,
    parse: Callable[[], nodes.Template],
    environment: jinja2.Environment,
    stand_in: Callable[[str], EmptyField | str],
) -> _Compiled:
    try:
        tree = parse()
        for node in tree.find_all(nodes.Node):
            _check_node(node)
        limit_concatenation(tree)
        stand_ins = {name: stand_in(name) for name in meta.find_undeclared_variables(tree)}
        return _Compiled(
            compiled=environment.from_string(tree),
            fields={name: stand_ins[name] for name in stand_ins if name in PRODUCT_FIELDS},
            columns={name: stand_ins[name] for name in stand_ins if name not in PRODUCT_FIELDS},
        )
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
    elif isinstance(node, nodes.Const) and has_half(str(node.value)):
        problem = "a text has half a character; write the character itself"
    elif isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
        problem = f"{type(node).__name__.lower()} is not available; if, for and set are"
    elif isinstance(node, nodes.Assign) and makes_lists(node):
        problem = "a set of a list with values in it is not available"
    elif isinstance(node, nodes.For) and node.find(nodes.For):
        problem = "a for inside a for is not available"
    if problem:
        raise TemplateAssertionError(problem, node.lineno)


def _write(
    template: _Compiled, product: Product, scenes: Mapping[str, str], max_characters: int
) -> str:
    """Write piece by piece, up to the one that is too much."""
    pieces: list[str] = []
    written = 0
    context = template.compiled.new_context(_values(template, product, scenes), shared=True)
    for piece in template.compiled.root_render_func(context):
        pieces.append(piece)
        written += len(piece)
        if written > max_characters:
            break
    return "".join(pieces)


def _values(template: _Compiled, product: Product, scenes: Mapping[str, str]) -> dict[str, object]:
    """The values of those fields alone that are read: an export may have a hundred.

    A column of the export goes before what the taxonomy says under the same name.
    """
    values: dict[str, object] = {}
    for name, empty in template.fields.items():
        values[name] = getattr(product, name) or empty
    for name, empty in template.columns.items():
        value = product.columns.get(name)
        if value is not None:
            values[name] = value or empty
        elif name in TAXONOMY_FIELDS:
            category = find_category(product)
            names = category.names if category else ()
            levels = (*names, *[empty] * LEVELS)[:LEVELS]
            values[name] = find_scene(category, scenes) if name == "scene" else levels
    return values


def _describe_unknown(name: str, product: Product) -> str:
    known = [*PRODUCT_FIELDS, *TAXONOMY_FIELDS, *product.columns]
    near = difflib.get_close_matches(name, known)
    hint = f"near it: {', '.join(near)}" if near else f"there are: {', '.join(known)}"
    return f"there is no field {name!r}; {hint}"
