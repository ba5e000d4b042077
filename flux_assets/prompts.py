"""A shot's template and a product's fields -> the prompt, its parameters and the image request.

The template is the operator's and may be wrong; what the catalog says is never trusted and never
compiled. So templates are sandboxed, always end, and can only write text and numbers, which also
keeps the same row from ever giving two prompts.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError, UndefinedError
from jinja2.filters import FILTERS
from jinja2.runtime import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from flux_assets.catalog.product import Product
from flux_assets.errors import ParameterError, PromptError
from flux_assets.image_request import FIRST_VERSION, ImageRequest, build_image_request
from flux_assets.parameters import PARAMETERS, ParameterValue, parse_parameter

PRODUCT_FIELDS = tuple(
    product_field.name
    for product_field in fields(Product)
    if product_field.name not in {"line", "columns"}
)

PROMPT_COLUMN_PREFIX = "prompt_"

# The vendor states no limit. Black Forest Labs' guide advises 30 to 80 words and calls 300 long,
# about 2,000 characters; twice that is a whole description pasted in, which drowns the template.
MAX_PROMPT_CHARACTERS = 4_000

# What a template may write before its white space is normalised; a loop stops here.
_MAX_WRITTEN_CHARACTERS = 16 * MAX_PROMPT_CHARACTERS

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
class Shot:
    """One kind of picture wanted of every product.

    `prompt` is the template's text; `parameters` are in their canonical form, the file's
    defaults among them.
    """

    name: str
    prompt: str
    version: int = FIRST_VERSION
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)


def render_prompt(shot: Shot, product: Product) -> str:
    """Write the prompt of one product for one shot: NFC text, every white space one blank.

    A product's own `prompt_<shot>` column stands in for the template, as plain text.

    Raises:
        PromptError: a field is missing, the template fails, or the prompt is empty or longer
            than MAX_PROMPT_CHARACTERS.
    """
    text = product.columns.get(PROMPT_COLUMN_PREFIX + shot.name, "")
    if not text or text.isspace():
        text = _render(shot, product)
    prompt = " ".join(unicodedata.normalize("NFC", text).split())
    if not prompt:
        raise PromptError(product.product_id, shot.name, "the prompt is empty")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise _too_long(shot, product)
    return prompt


def shot_parameters(shot: Shot, product: Product) -> Mapping[str, ParameterValue]:
    """The shot's parameters under those that the product's own columns give.

    Raises:
        PromptError: a column holds a value that the API does not take.
    """
    parameters = dict(shot.parameters)
    for name in PARAMETERS:
        text = product.columns.get(name)
        if text and not text.isspace():
            try:
                parameters[name] = parse_parameter(name, text)
            except ParameterError as error:
                raise PromptError(
                    product.product_id, shot.name, f"column {error}", field=name
                ) from error
    return parameters


def build_requests(
    products: Iterable[Product], shots: Sequence[Shot]
) -> Iterator[ImageRequest | PromptError]:
    """One image request, or the reason why there is none, per product and shot, in order."""
    for product in products:
        for shot in shots:
            try:
                yield build_image_request(
                    product_id=product.product_id,
                    shot=shot.name,
                    prompt=render_prompt(shot, product),
                    parameters=shot_parameters(shot, product),
                    shot_version=shot.version,
                )
            except PromptError as error:
                yield error


def check_template(text: str) -> None:
    """Compile a shot's template without rendering it.

    Raises:
        ValueError: it cannot be compiled, or uses what prompts may not.
    """
    _compile(text)


class _UnknownFieldError(UndefinedError):
    """The template used a name that is no field; the message is the name."""


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


def _build_environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=_UnknownField, finalize=_only_text)
    environment.globals.clear()
    environment.filters = {name: FILTERS[name] for name in _FILTERS}
    return environment


_ENVIRONMENT = _build_environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A compiled template with the fields that it reads, each with its stand-in if empty."""

    compiled: jinja2.Template
    fields: Mapping[str, _EmptyField]


@lru_cache(maxsize=1_000)
def _compile(text: str) -> _Template:
    try:
        tree = _ENVIRONMENT.parse(text)
        for node in tree.find_all(nodes.Node):
            _check_node(node)
        names = meta.find_undeclared_variables(tree)
        compiled = _ENVIRONMENT.from_string(tree)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno} of the template: {error.message}") from error
    except (SyntaxError, RecursionError) as error:  # Python's own limits on nesting
        raise ValueError(f"the template is nested too deeply: {error}") from error
    return _Template(compiled=compiled, fields={name: _EmptyField(name) for name in names})


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
    elif isinstance(node, nodes.For) and node.find(nodes.For):
        problem = "a for inside a for is not available"
    if problem:
        raise TemplateAssertionError(problem, node.lineno)


def _render(shot: Shot, product: Product) -> str:
    pieces: list[str] = []
    written = 0
    try:
        template = _compile(shot.prompt)
        for piece in template.compiled.generate(_fields(template, product)):
            written += len(piece)
            if written > _MAX_WRITTEN_CHARACTERS:
                raise _too_long(shot, product)
            pieces.append(piece)
    except (_UnknownFieldError, _EmptyFieldError) as error:
        raise _missing_field(shot, product, error) from error
    except _TEMPLATE_FAILURES as error:
        raise PromptError(product.product_id, shot.name, f"cannot be rendered: {error}") from error
    return "".join(pieces)


def _fields(template: _Template, product: Product) -> dict[str, object]:
    """The values of those fields alone that the template reads: an export may have a hundred."""
    values: dict[str, object] = {}
    for name, empty in template.fields.items():
        value = getattr(product, name) if name in PRODUCT_FIELDS else product.columns.get(name)
        if value is not None:
            values[name] = value or empty
    return values


def _missing_field(shot: Shot, product: Product, error: UndefinedError) -> PromptError:
    name = str(error.message)
    if isinstance(error, _EmptyFieldError):
        problem = (
            f"the field {name!r} is empty; give it a value, or write "
            f"{{% if {name} %}}...{{% endif %}} around its words"
        )
    else:
        known = [*PRODUCT_FIELDS, *product.columns]
        near = difflib.get_close_matches(name, known)
        hint = f"near it: {', '.join(near)}" if near else f"there are: {', '.join(known)}"
        problem = f"there is no field {name!r}; {hint}"
    return PromptError(product.product_id, shot.name, problem, field=name)


def _too_long(shot: Shot, product: Product) -> PromptError:
    return PromptError(
        product.product_id,
        shot.name,
        f"the prompt is longer than {MAX_PROMPT_CHARACTERS:,} characters; "
        "shorten a field with {{ description | truncate(300) }}",
    )
