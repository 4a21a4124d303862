from django.apps import AppConfig


class MailboxConfig(AppConfig):
    name = "mailbox"

    def ready(self) -> None:
        from . import deeds, ended_visits  # noqa: F401 - the second hears the signal from here on

        deeds.register()
