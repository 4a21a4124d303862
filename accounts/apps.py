from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from . import second_step  # two_factor needs the models to be there

        second_step.register()
