"""What the inviter of an operator typed: the name he is shown, and which phone he knows."""

from django.db import migrations, models

import evidence.fieldcrypt


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_ident_entity_domains")]

    operations = [
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
