"""The embedded profile answers this machine and nobody else, however it was bound (design.md 1.7).

It has no TLS, its passwords stand in a file and its phone is a web page. Should somebody start its web server on
another address, strangers get a sentence and no page.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop

from .checks import is_loopback
from .language import of_reader

SENTENCE = gettext_noop(
    "Bu kurulum yalnızca üzerinde çalıştığı makineden kullanılır. Başkalarına açmak için üretim profilini kurun."
)


class LoopbackOnly:
    """Refuses every request that did not come from this machine, before anything else looks at it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_loopback(request.META.get("REMOTE_ADDR", "")):
            return self._get_response(request)
        with of_reader(request):
            sentence = gettext(SENTENCE)
        return HttpResponse(f"{sentence}\n", status=403, content_type="text/plain; charset=utf-8")
