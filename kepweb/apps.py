from django.apps import AppConfig


class KepWebConfig(AppConfig):
    name = "kepweb"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers the checks
