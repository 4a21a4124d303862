"""What the inviter of an operator typed: the name he is shown, and which phone he knows.

Main operators there are came from the demo seed, with the rights there were then. They get all of them: an account whose
main operator may not manage operators could be changed by nobody.
"""

from django.db import migrations, models

import evidence.fieldcrypt


RIGHTS = (
    "may_read",
    "may_compose",
    "may_sign_and_send",
    "may_send_tebligat",
    "may_read_tebligat",
    "may_archive",
    "may_delete",
    "may_see_balance",
    "may_manage_operators",
)


def let_main_operators_manage(apps: object, schema_editor: object) -> None:
    """Every right for every running main operator."""
    operators = apps.get_model("accounts", "Operator").objects  # type: ignore[attr-defined]
    operators.filter(is_main=True, ends_at=None).update(**dict.fromkeys(RIGHTS, True))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_apply_merge")]

    operations = [
        migrations.RunPython(let_main_operators_manage, migrations.RunPython.noop, elidable=True),
        migrations.AddField(
            model_name="operatorinvitation",
            name="typed_name",
            field=evidence.fieldcrypt.EncryptedText(label="accounts.operator_invitation.typed_name", null=True),
        ),
        migrations.AddField(
            model_name="operatorinvitation",
            name="typed_phone_index",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
