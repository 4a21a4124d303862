from django.apps import AppConfig


class MailboxConfig(AppConfig):
    name = "mailbox"

    def ready(self) -> None:
        from . import deeds, ended_visits, stopped_accounts  # noqa: F401 - two of them hear their signals from here on

        deeds.register()
