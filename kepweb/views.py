"""Pages of the house itself: health, help, and the page of a failed CSRF check."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a request that did not come from our own page; nothing was changed."""
    return render(request, "403_csrf.html", status=403)
