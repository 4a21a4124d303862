from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from . import guarded, second_step  # two_factor and the kinds of approvals need the models to be there

        second_step.register()
        guarded.register_all()
