"""Addresses of the product: Turkish, short, stable (design.md 3)."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
