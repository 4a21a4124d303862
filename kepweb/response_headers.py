"""Headers that every answer of the product's own host carries (V-055, V-056, V-088).

Pages are never kept by a browser or proxy, because nearly all of them are somebody's mail; a view that knows better
(none today) says so itself. Static files keep what WhiteNoise says. No other site may embed, read or index anything.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADERS = {
    "Cross-Origin-Embedder-Policy": "require-corp",  # whatever a page loads is its own
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",  # also on what the gate answers, which Django's own middleware does not see
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Permitted-Cross-Domain-Policies": "none",
}


class ResponseHeadersMiddleware:
    """Adds `HEADERS`, and `Cache-Control: no-store` where nobody has said how long an answer may be kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response
