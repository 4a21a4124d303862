"""How often somebody on duty looks people up; and today's acts of a branch found by its code."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_apply_merge")]

    operations = [
        migrations.CreateModel(
            name="DeskTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=16)),
                ("hour", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("person", "what", "hour"), name="one_tally_per_hour")],
            },
        ),
        migrations.AddIndex(
            model_name="applicationchange",
            index=models.Index(fields=["branch", "at"], name="change_by_branch"),
        ),
        migrations.AddIndex(
            model_name="checkedstep",
            index=models.Index(fields=["branch", "at"], name="step_by_branch"),
        ),
    ]
