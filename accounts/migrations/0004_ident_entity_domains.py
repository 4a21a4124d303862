"""Whose entity domains are: addresses given before this have no row, and are looked for among the accounts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_operator_public_id")]

    operations = [
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
