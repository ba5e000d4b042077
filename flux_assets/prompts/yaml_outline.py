"""A strict YAML file as plain values, with the line of each key for whoever must mend it."""

import yaml
from yaml.reader import ReaderError

from flux_assets.catalog.characters import has_half
from flux_assets.errors import ShotsFileError, YamlFileError

KeyPath = tuple[str, ...]

_NULLS = frozenset({"", "~", "null"})
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class YamlOutline:
    """The file as plain values, every scalar text or None, with the line of each key.

    Args:
        data: the file's bytes, UTF-8.
        name: what errors call the file.
        error: what is raised of it.
    """

    def __init__(self, data: bytes, name: str, error: type[YamlFileError] = ShotsFileError) -> None:
        self._name = name
        self._error_type = error
        self._lines: dict[KeyPath, int] = {}
        self._seen: set[yaml.Node] = set()
        root = self._compose(data)
        self.plain = self._plain(root) if root else {}

    def line_of(self, path: KeyPath) -> int:
        """The line of a key, or of the nearest key around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _compose(self, data: bytes) -> yaml.Node | None:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self._error_type(self._name, "is not UTF-8 text", line=line) from error
        try:
            # leaves scalars as text, where YAML 1.1 would read a ratio of 16:9 as the number 969
            return yaml.compose(text, Loader=yaml.BaseLoader)
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise self._error_type(self._name, error.reason, line=line) from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = ", ".join(filter(None, (error.context, error.problem)))
            raise self._error_type(self._name, problem, line=line) from error
        except (ValueError, OverflowError) as error:  # of an escape such as "\UFFFFFFFF"
            raise self._error(f"an escape names no character ({error})", ()) from error
        except RecursionError as error:
            raise self._error("is nested too deeply", ()) from error

    def _plain(self, node: yaml.Node, path: KeyPath = ()) -> object:
        """Turn a node to plain values, and refuse what makes a file mean other than it shows."""
        if node in self._seen:
            raise self._error("an anchor cannot be used again with *; write it out", path)
        self._seen.add(node)
        self._lines.setdefault(path, node.start_mark.line + 1)
        if node.tag not in _PLAIN_TAGS:
            raise self._error(f"the tag {node.tag} is not available", path)
        if isinstance(node, yaml.ScalarNode):
            self._refuse_halves(node.value, path)
            return None if node.style is None and node.value in _NULLS else node.value
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*path, str(place))) for place, item in enumerate(node.value)]
        plain: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                problem = "a key must be plain text; a prompt stands in quotes or below >-"
                raise self._error(problem, path)
            self._refuse_halves(key, path)
            key_path = (*path, key)
            self._lines[key_path] = key_node.start_mark.line + 1
            if key in plain:
                raise self._error("stands here a second time", key_path)
            plain[key] = self._plain(value_node, key_path)
        return plain

    def _refuse_halves(self, text: str, path: KeyPath) -> None:
        r"""Escapes such as `\ud83d\ude00` are one character in JSON, and two halves in YAML."""
        if has_half(text):
            problem = f"{text!a:.100} has half a character; write the character itself"
            raise self._error(problem, path)

    def _error(self, problem: str, path: KeyPath) -> YamlFileError:
        return self._error_type(self._name, at_path(path, problem), line=self.line_of(path))


def at_path(path: KeyPath, problem: str) -> str:
    """A problem with the place it is at, keys joined by dots."""
    return f"{'.'.join(path)}: {problem}" if path else problem
