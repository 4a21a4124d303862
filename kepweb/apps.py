from django.apps import AppConfig


class KepWebConfig(AppConfig):
    name = "kepweb"
