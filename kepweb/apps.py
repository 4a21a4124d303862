from django.apps import AppConfig


class KepWebConfig(AppConfig):
    name = "kepweb"

    def ready(self) -> None:
        from django.utils.translation import gettext

        from guards.spoken import translate_with

        from . import checks  # noqa: F401  registers the checks

        translate_with(gettext)  # who reads decides at the moment of showing
