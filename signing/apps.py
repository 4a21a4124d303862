from django.apps import AppConfig


class SigningConfig(AppConfig):
    name = "signing"

    def ready(self) -> None:
        from guards.refusal_texts import register

        from .profile import Fault

        register(lambda: {fault.value[0]: fault.value[1] for fault in Fault})
