from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from evidence import sealed_papers

        from . import second_step  # two_factor needs the models to be there
        from .operating import record

        second_step.register()
        sealed_papers.register(record.KIND, record.describe)
