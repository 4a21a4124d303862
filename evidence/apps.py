from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EvidenceConfig(AppConfig):
    name = "evidence"

    def ready(self) -> None:
        from guards.refusal_texts import register

        from .answers import RevocationFinding
        from .chain import Finding
        from .insert_only import install_after_migrate

        post_migrate.connect(install_after_migrate, dispatch_uid="evidence.insert_only")
        register(lambda: {each.value[0]: each.value[1] for table in (Finding, RevocationFinding) for each in table})
