"""Every address of the house, as Django would route it: for the access matrix and for the crawl."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """(full name, names of its parameters) of every address; ValueError for one without a name."""
    yield from _routes(get_resolver().url_patterns, "", ())


def _routes(
    patterns: "list[URLPattern | URLResolver]", namespace: str, above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for each in patterns:
        parameters = (*above, *each.pattern.regex.groupindex)
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from _routes(each.url_patterns, inner, parameters)
        elif each.name is None:
            raise ValueError(f"{each.pattern} has no name")
        else:
            yield f"{namespace}{each.name}", parameters
