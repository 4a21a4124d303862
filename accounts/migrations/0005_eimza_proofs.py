import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_ident_entity_domains")]

    operations = [
        migrations.CreateModel(
            name="EImzaProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                ("operation", models.UUIDField(unique=True)),
                ("certificate_digest", models.BinaryField(max_length=32)),
                ("proved_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        help_text="The user that this device belongs to.",
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["proved_at"], name="accounts_ei_proved__c17493_idx")]},
        ),
    ]
