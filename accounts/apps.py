from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from evidence import sealed_papers

        from . import guarded, second_step  # two_factor and the kinds of approvals need the models to be there
        from .operating import record

        second_step.register()
        guarded.register_all()
        sealed_papers.register(record.KIND, record.describe)
