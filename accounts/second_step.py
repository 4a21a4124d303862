"""Our second step as django-two-factor-auth knows methods: the SMS code of one attempt, and nothing else."""

from django.utils.translation import gettext as _
from two_factor.plugins.registry import MethodBase, registry

from .forms import SmsCodeForm
from .models import Person, SmsAttempt


class SmsMethod(MethodBase):  # type: ignore[misc]
    """The code sent to the phone that was verified at the branch. The number itself is never shown."""

    code = "sms"
    verbose_name = "SMS"

    def get_devices(self, user: Person) -> list[SmsAttempt]:
        """Attempts that still wait for their code."""
        return list(SmsAttempt.objects.filter(user=user, used_at=None, replaced_at=None))

    def recognize_device(self, device: object) -> bool:
        """Whether the device is one of our attempts."""
        return isinstance(device, SmsAttempt)

    def get_token_form_class(self) -> type[SmsCodeForm]:
        """The form with the field `sms`."""
        return SmsCodeForm

    def get_action(self, device: SmsAttempt) -> str:
        """What was done, without the number."""
        return _("Telefonunuza bir kod gönderdik.")

    def get_verbose_action(self, device: SmsAttempt) -> str:
        """What to do now."""
        return _("Telefonunuza gelen 6 haneli kodu yazın.")


def register() -> None:
    """Leave ours as the only method: the package's own token generator is not offered."""
    registry.unregister("generator")
    registry.register(SmsMethod())
