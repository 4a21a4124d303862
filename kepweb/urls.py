"""Addresses of the product: Turkish, short, stable (design.md 3)."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from . import views

handler400 = "kepweb.views.bad_request"
handler500 = "kepweb.views.server_error"
house: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("yardim/", views.help_page, name="help"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((house, "kepweb"))),
    path("", include("accounts.urls")),
    path("", include("mailbox.urls")),
    path("yonetim/", include("staff.urls")),
    path("imza/v1/", include("signing.urls")),
    path("dil/", set_language, name="dil_degistir"),
    *(path(prefix, include(urlconf)) for prefix, urlconf in settings.KEP_EXTRA_URLS),
]
