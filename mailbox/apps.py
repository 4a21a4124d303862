from django.apps import AppConfig


class MailboxConfig(AppConfig):
    name = "mailbox"

    def ready(self) -> None:
        from . import ended_visits  # noqa: F401 - hears the signal from here on
