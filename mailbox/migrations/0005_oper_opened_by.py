"""Who opened what, newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailbox", "0004_ident_term_holds")]

    operations = [
        migrations.AddIndex(
            model_name="boxitem",
            index=models.Index(
                condition=models.Q(("opened_by__isnull", False)),
                fields=["account", "-opened_at"],
                name="item_opened_by",
            ),
        ),
    ]
