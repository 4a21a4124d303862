"""The open doors' counts and the proofs by e-imza grew side by side."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_apply_door_tally"), ("accounts", "0005_eimza_proofs")]

    operations: list[migrations.operations.base.Operation] = []
