"""Counts of what one network asked of the doors that stand open to everybody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_ident_entity_domains")]

    operations = [
        migrations.CreateModel(
            name="DoorTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("door", models.CharField(max_length=24)),
                ("network_index", models.CharField(max_length=64)),
                ("hour", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["hour"], name="accounts_do_hour_3b47fd_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("door", "network_index", "hour"), name="one_tally_per_door_and_hour"
                    )
                ],
            },
        ),
    ]
