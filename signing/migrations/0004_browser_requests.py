import evidence.fieldcrypt
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signing", "0003_list_indexes")]

    operations = [
        migrations.AddField(
            model_name="signingoperation",
            name="content",
            field=evidence.fieldcrypt.EncryptedBytes(label="signing.operation.content", null=True),
        ),
        migrations.AddField(
            model_name="signingoperation",
            name="return_hmac",
            field=models.CharField(max_length=64, null=True, unique=True),
        ),
    ]
