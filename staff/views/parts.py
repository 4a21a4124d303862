"""What the pages of the back office share: who comes in, and the frame."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import Post
from accounts.posts import Serving, serving
from accounts.views.desk_parts import desk_page
from guards.errors import KepError

OfficeView = Callable[..., HttpResponse]


def for_office(view: OfficeView) -> OfficeView:
    """Only the back office comes in, and the view is told as whom: `view(request, by, ...)`. `NotServing` (403)."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, serving(request, Post.Role.BACK_OFFICE), *args, **kwargs)

    return asked


def office_page(
    request: HttpRequest,
    by: Serving,
    template: str,
    context: Mapping[str, object],
    *,
    current: str,
    form: forms.Form | None = None,
    refusal: KepError | None = None,
) -> HttpResponse:
    """A page in the frame of the provider's own people."""
    home = reverse("staff:approvals")
    return desk_page(request, by, template, context, current=current, form=form, refusal=refusal, home=home)
