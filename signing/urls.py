"""Addresses of the hand-over, below `/imza/v1/`; the signer knows them by heart (design.md 4)."""

from django.urls import path

from . import views

app_name = "signing"
urlpatterns = [
    path("claim", views.claim, name="claim"),
    path("certificate", views.certificate, name="certificate"),
    path("document", views.document, name="document"),
    path("signature", views.signature, name="signature"),
    path("cancel", views.cancel, name="cancel"),
]
