"""Whose entity domains are, and who was seen.

Addresses given before this have no row, and are looked for among the accounts. Persons there are came from the demo
seed, with secrets of their own: they are who they say they are, and must not lose their secrets at a branch.
"""

import django.db.models.deletion
from django.db import migrations, models


def those_there_are_seen(apps: object, schema_editor: object) -> None:
    """Every person of an installation that grew before persons could be enrolled by others."""
    apps.get_model("accounts", "Person").objects.exclude(pin_hash="").update(  # type: ignore[attr-defined]
        identity_state="ESTABLISHED"
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_operator_public_id")]

    operations = [
        migrations.RunPython(those_there_are_seen, migrations.RunPython.noop, elidable=True),
        migrations.CreateModel(
            name="EntityDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=63, unique=True)),
                ("since", models.DateTimeField()),
                (
                    "holder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="domains",
                        to="accounts.accountholder",
                    ),
                ),
            ],
        ),
    ]
