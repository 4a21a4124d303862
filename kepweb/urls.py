"""Addresses of the product: Turkish, short, stable (design.md 3)."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from . import views

house: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("yardim/", views.help_page, name="help"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((house, "kepweb"))),
    path("dil/", set_language, name="dil_degistir"),
]
for prefix, module in (
    ("", "accounts.urls"),
    ("imza/v1/", "signing.urls"),
    ("", "mailbox.urls"),
    *settings.KEP_EXTRA_URLS,
):
    if find_spec(module) is not None:
        urlpatterns.append(path(prefix, include(module)))
