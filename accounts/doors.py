"""Marks on views that the gate reads: which doors stand open, and which requests are not a person's doing.

Everything is closed unless it says otherwise here, or its address is among the open ones of the settings.
"""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def open_door(view: View) -> View:
    """This view may be reached without a verified visit."""
    return _marked(view, "kep_open_door")


def unattended(view: View) -> View:
    """Requests to this view are made by a page on its own (polling): they do not keep an idle visit open."""
    return _marked(view, "kep_unattended")


def _marked(view: View, mark: str) -> View:
    @functools.wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    setattr(marked, mark, True)
    return marked
