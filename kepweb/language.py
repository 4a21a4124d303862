"""Whose language an answer is in, where it is given before the language of the request has been chosen."""

from django.http import HttpRequest
from django.utils import translation


def of_reader(request: HttpRequest) -> translation.override:
    """A block in the language this reader prefers; threads remember the language of the request before."""
    return translation.override(translation.get_language_from_request(request))
