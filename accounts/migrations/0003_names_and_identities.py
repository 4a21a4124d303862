"""What the rows of an installation that grew before this need; in a step of its own, because one default is one for all."""

from collections.abc import Iterable

from django.db import migrations, models

import guards.ids


def name_each(apps: object, schema_editor: object) -> None:
    """Every operatorship gets a name for addresses."""
    operators = apps.get_model("accounts", "Operator").objects  # type: ignore[attr-defined]
    keys: Iterable[int] = operators.filter(public_id=None).values_list("pk", flat=True)
    for key in list(keys):
        operators.filter(pk=key).update(public_id=guards.ids.public_id())


def those_there_are_seen(apps: object, schema_editor: object) -> None:
    """Persons with secrets came from the demo seed: they are who they say, and must not lose them at a branch."""
    apps.get_model("accounts", "Person").objects.exclude(pin_hash="").update(  # type: ignore[attr-defined]
        identity_state="ESTABLISHED"
    )


NEW_RIGHTS = (
    "may_send_tebligat",
    "may_read_tebligat",
    "may_archive",
    "may_delete",
    "may_see_balance",
    "may_manage_operators",
)


def main_operators_manage(apps: object, schema_editor: object) -> None:
    """Who stands for an account may do what there was no switch for until now: somebody must appoint the others."""
    operators = apps.get_model("accounts", "Operator").objects  # type: ignore[attr-defined]
    operators.filter(is_main=True).update(**dict.fromkeys(NEW_RIGHTS, True))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_people_and_desks")]

    operations = [
        migrations.RunPython(name_each, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(those_there_are_seen, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(main_operators_manage, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="operator",
            name="public_id",
            field=models.CharField(default=guards.ids.public_id, max_length=26, unique=True),
        ),
    ]
