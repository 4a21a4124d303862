from django.apps import AppConfig


class MailboxConfig(AppConfig):
    name = "mailbox"

    def ready(self) -> None:
        from . import deeds, ended_offices, ended_visits, stopped_accounts  # noqa: F401 - they hear their signals

        deeds.register()
