"""Which columns of an export in several languages go together: those of one language."""

from collections.abc import Iterable, Mapping

Found = Mapping[str, tuple[str, ...]]

_DESCRIBING = ("description", "category")


def order_by_language(
    keys: Iterable[str], locale: str, locales: Mapping[str, str]
) -> tuple[str, ...]:
    """The keys of columns in one locale first, then those in its language, then the others.

    Args:
        keys: of columns, in order of preference.
        locale: such as `en` or `en_us`; empty for none.
        locales: those that columns are in, by their keys.
    """

    def place(key: str) -> int:
        own = locales.get(key, "")
        if not locale or own.partition("_")[0] != locale.partition("_")[0]:
            return 2
        return int(own != locale)

    return tuple(sorted(keys, key=place))


def pair_by_title(found: Found, locales: Mapping[str, str]) -> dict[str, Found]:
    """For each column of a title, where its description and its category are looked for.

    A title in one language is not described in another one where its own has a text.
    """
    return {
        key: {
            field: order_by_language(found[field], locales.get(key, ""), locales)
            for field in _DESCRIBING
        }
        for key in found["title"]
    }
