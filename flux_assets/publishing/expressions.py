"""What a rule asks: an expression over the measures' names, which ends at once and calls nothing.

It is written as conditions in the shots file are, but of fewer parts: names, numbers, texts,
comparisons, `and`, `or`, `not`, `in` and the four sums.
"""

import difflib
from collections import deque
from collections.abc import Mapping
from functools import lru_cache

import jinja2
from jinja2 import nodes
from jinja2.exceptions import UndefinedError
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flux_assets.publishing.measures import MEANINGS, TEXTS

_SUMS = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Neg)
_PARTS = (
    *_SUMS,
    *(nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple),
)
_RESULT = "result"
_LARGEST = 1e300
_TOO_LARGE = f"no number may be larger than {_LARGEST:.0e}"
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, optimized=False)


def check_expression(text: str) -> None:
    """Compile an expression without asking it of anything.

    Raises:
        ValueError: it is none, or names what is no measure.
    """
    _compile(text)


@lru_cache(maxsize=1_000)
def list_names(text: str) -> tuple[str, ...]:
    """The measures that an expression names, in their order, each once."""
    test = _parse(text)
    names = (node for node in (test, *test.find_all(nodes.Name)) if isinstance(node, nodes.Name))
    return tuple(dict.fromkeys(node.name for node in names))


@lru_cache(maxsize=1_000)
def list_bounds(text: str) -> tuple[float, ...] | None:
    """The numbers that an expression compares its measures with, where it does nothing else.

    Between two of them, as at each of them, its answer is the same for whatever measure. None
    where it calculates, or compares measures with each other.
    """
    test = _parse(text)
    every = (test, *test.find_all(nodes.Node))
    if any(isinstance(node, _SUMS) for node in every):
        return None
    for node in every:
        if isinstance(node, nodes.Compare) and sum(_names_of(it) for it in _sides(node)) > 1:
            return None
    numbers = {float(it.value) for it in every if isinstance(it, nodes.Const) and _is_number(it)}
    return tuple(sorted(numbers | {0.0}))


def ask(text: str, measures: Mapping[str, object]) -> bool | None:
    """Whether an expression is so of one rendition; None where what is unknown decides it.

    Args:
        text: one that `check_expression` takes.
        measures: those that it names, by their names; None is unknown.

    Raises:
        ValueError: these numbers cannot be calculated with, as a division by 0.
    """
    return _ask(text, tuple(measures[name] for name in list_names(text)))


@lru_cache(maxsize=100_000)
def _ask(text: str, values: tuple[object, ...]) -> bool | None:
    """Most renditions of a channel are of the same size, so that few answers are worked out."""
    named = zip(list_names(text), values, strict=True)
    compiled = _compile(text)
    context = compiled.new_context(
        {it: value for it, value in named if value is not None}, shared=True
    )
    try:
        deque(compiled.root_render_func(context), maxlen=0)
        return bool(context.vars[_RESULT])
    except UndefinedError:
        return None
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"{text!r} cannot be calculated: {error}") from error


@lru_cache(maxsize=1_000)
def _compile(text: str) -> jinja2.Template:
    tree = nodes.Template([nodes.Assign(nodes.Name(_RESULT, "store"), _parse(text))], lineno=1)
    tree.set_environment(_ENVIRONMENT)
    return _ENVIRONMENT.from_string(tree)


def _parse(text: str) -> nodes.Expr:
    try:
        test = _read(text)
        for node in (test, *test.find_all(nodes.Node)):
            _check_node(node)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"is no expression: {error.message}") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    return test


def _read(text: str) -> nodes.Expr:
    try:
        parser = Parser(_ENVIRONMENT, text, state="variable")
        test = parser.parse_expression()
    except ValueError as error:  # of more digits than Python reads
        raise ValueError(_TOO_LARGE) from error
    if not parser.stream.eos:
        raise ValueError(f"cannot be read from {parser.stream.current.value!r} on")
    return test


def _check_node(node: nodes.Node) -> None:
    problem = None
    if isinstance(node, nodes.Name) and node.name not in MEANINGS:
        near = difflib.get_close_matches(node.name, MEANINGS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(MEANINGS)}"
        problem = f"there is no measure {node.name!r}; {hint}"
    elif not isinstance(node, _PARTS):
        what = type(node).__name__.lower()
        problem = f"{what} is not available; a rule compares measures and calculates"
    elif isinstance(node, _SUMS) and not all(map(_is_number, node.iter_child_nodes())):
        problem = "only numbers can be calculated with"
    elif isinstance(node, nodes.Const) and _is_number(node) and abs(node.value) > _LARGEST:
        problem = _TOO_LARGE
    if problem:
        raise ValueError(problem)


def _sides(node: nodes.Compare) -> list[nodes.Node]:
    return [node.expr, *(operand.expr for operand in node.ops)]


def _names_of(node: nodes.Node) -> int:
    """How many measures a side of a comparison names, by themselves or within it."""
    return isinstance(node, nodes.Name) + sum(1 for _ in node.find_all(nodes.Name))


def _is_number(node: nodes.Node) -> bool:
    """Whether it can be nothing else: a text times a number would grow without end."""
    if isinstance(node, nodes.Const):
        return isinstance(node.value, int | float)
    return isinstance(node, _SUMS) or (isinstance(node, nodes.Name) and node.name not in TEXTS)
