"""Activation (W-007)."""

from django.urls import URLPattern, path

from ..views import activation

urlpatterns: list[URLPattern] = [
    path("aktivasyon/", activation.activate, name="activate"),
    path("aktivasyon/tamam/", activation.activated, name="activated"),
    path("hesap/etkinlestir/<str:public_id>/", activation.activate_waiting, name="activate_waiting"),
]
