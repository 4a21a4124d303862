from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EvidenceConfig(AppConfig):
    name = "evidence"

    def ready(self) -> None:
        from .insert_only import install_after_migrate

        post_migrate.connect(install_after_migrate, dispatch_uid="evidence.insert_only")
