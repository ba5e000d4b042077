"""A Jinja2 sandbox in which no text grows beyond what memory is for.

A few lines that each double a text would fill any memory long before a prompt is too long.
"""

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_eval_context

MAX_TEXT_CHARS = 2_000_000
"""Far above any prompt, and above the longest cell of a catalog written a few times."""

_CONCATENATE = "concatenate"
_ENDS_OF_LISTS = frozenset({"join", "length"})


class GrowthLimitedEnvironment(ImmutableSandboxedEnvironment):
    """Refuses every operator, method and filter that would make a text too long.

    Templates go through `limit_concatenation` before they are compiled: Jinja2 lets no sandbox
    see its operator `~`.
    """

    intercepted_binops = frozenset({"+"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja2's own
        """Add two values; of two texts or lists, no more than there is room for."""
        if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            _check_length(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Jinja2's own
        """Call a method of a text; `replace` only where there is room for its result."""
        text = getattr(obj, "__self__", None)
        if isinstance(text, str) and obj.__name__ == "replace" and len(args) > 1:
            _check_replaced(text, str(args[0]), str(args[1]))
        return super().call(context, obj, *args, **kwargs)


def limit_concatenation(node: nodes.Node) -> None:
    """Turn each `~` below a node into the filter that sees to its length."""
    for child in node.iter_child_nodes():
        limit_concatenation(child)
    for name, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = map(_limited, value)
        else:
            setattr(node, name, _limited(value))


def makes_lists(assign: nodes.Assign) -> bool:
    """Whether a `set` keeps a list of values: lists of lists grow as no text may."""
    unpacks = isinstance(assign.target, nodes.Tuple) and isinstance(assign.node, nodes.Tuple)
    values = assign.node.iter_child_nodes() if unpacks else [assign.node]
    return any(map(_makes_list, values))


def _makes_list(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Compare) or (
        isinstance(node, nodes.Filter) and node.name in _ENDS_OF_LISTS
    ):
        return False
    if isinstance(node, nodes.List | nodes.Tuple | nodes.Dict):
        return node.find(nodes.Name) is not None
    return any(map(_makes_list, node.iter_child_nodes()))


def _limited(value: Any) -> Any:  # noqa: ANN401 - whatever a node's field holds
    if not isinstance(value, nodes.Concat):
        return value
    parts = nodes.List(value.nodes, lineno=value.lineno)
    return nodes.Filter(parts, _CONCATENATE, [], [], None, None, lineno=value.lineno)


def _concatenate(parts: Iterable[object]) -> str:
    return _join_bounded("", parts)


@pass_eval_context
def _join(
    eval_ctx: EvalContext,
    value: Iterable[object],
    d: object = "",
    attribute: str | int | None = None,
) -> str:
    if attribute is not None:
        value = map(make_attrgetter(eval_ctx.environment, attribute), value)
    return _join_bounded(str(d), value)


@pass_eval_context
def _replace(
    eval_ctx: EvalContext, s: object, old: object, new: object, count: int | None = None
) -> str:
    text, sought = str(s), str(old)
    if sought not in text:
        return text
    _check_replaced(text, sought, str(new))
    replaced: str = FILTERS["replace"](eval_ctx, s, old, new, count)
    return replaced


LIMITED_FILTERS: dict[str, Callable[..., str]] = {
    _CONCATENATE: _concatenate,
    "join": _join,
    "replace": _replace,
}
"""Those of Jinja2's filters that make a text longer, and the one for `~`."""


def _join_bounded(separator: str, parts: Iterable[object]) -> str:
    texts: list[str] = []
    length = 0
    for part in parts:
        texts.append(str(part))
        length += len(texts[-1]) + len(separator)
        _check_length(length)
    return separator.join(texts)


def _check_replaced(text: str, old: str, new: str) -> None:
    _check_length(len(text) + text.count(old) * max(len(new) - len(old), 0))


def _check_length(chars: int) -> None:
    if chars > MAX_TEXT_CHARS:
        raise SecurityError(f"a text would be longer than {MAX_TEXT_CHARS:,} characters")
