"""Every operatorship gets a name for addresses; in a step of its own, because a default would be one for all."""

from collections.abc import Iterable

from django.db import migrations, models

import guards.ids


def name_each(apps: object, schema_editor: object) -> None:
    """One id for each row there is."""
    operators = apps.get_model("accounts", "Operator").objects  # type: ignore[attr-defined]
    keys: Iterable[int] = operators.filter(public_id=None).values_list("pk", flat=True)
    for key in list(keys):
        operators.filter(pk=key).update(public_id=guards.ids.public_id())


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_people_and_desks")]

    operations = [
        migrations.RunPython(name_each, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="operator",
            name="public_id",
            field=models.CharField(default=guards.ids.public_id, max_length=26, unique=True),
        ),
    ]
