"""The legal texts and their versions."""

from django.urls import URLPattern, path

from ..views import legal

urlpatterns: list[URLPattern] = [
    path("yasal/", legal.texts, name="legal_texts"),
    path("yasal/<slug:name>/", legal.text, name="legal_text"),
    path("yasal/<slug:name>/<str:version>/", legal.text_version, name="legal_text_version"),
    path("yasal/<slug:name>/<str:version>/metin.txt", legal.text_file, name="legal_text_file"),
]
