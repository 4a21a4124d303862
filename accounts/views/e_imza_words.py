"""Why a request ended at the signer, in words that fit a request: the sentences of a message speak of its draft."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from guards.refusal_texts import text_of_code
from signing.errors import PinLocked, SignerClockDiffers, SignerStopped, SignerTimedOut
from signing.profile import Fault

_OF_REQUESTS: Final = {
    PinLocked.code: gettext_noop(
        "Kartınızın PIN'i kilitlenmiş; işlem yapılmadı. PIN'i sertifikanızı veren kuruluştan açtırın "
        "ya da parolanız ve şifrenizle giriş yapın."
    ),
    SignerTimedOut.code: gettext_noop(
        "İmza programında iki dakika yanıt verilmedi; imza atılmadı, hiçbir şey değişmedi. Yeniden başlayın."
    ),
    SignerStopped.code: gettext_noop(
        "İmza programı, gösteremediği ya da duyurulandan farklı bulduğu için isteği imzalamadı. Hiçbir şey değişmedi. "
        "Yeniden deneyin; yinelenirse programda gördüğünüz kodla bize başvurun."
    ),
    SignerClockDiffers.code: gettext_noop(
        "İmza programının çalıştığı bilgisayarın saati bizimkinden çok farklı; imza atılmadı, hiçbir şey değişmedi. "
        "Bilgisayarın saatini düzeltip yeniden başlayın."
    ),
    Fault.ANOTHER_PERSON.value[0]: gettext_noop(
        "Sertifika başka bir kişiye ait: T.C. kimlik numarası, isteği başlatan kişininkiyle aynı değil. "
        "Kendi sertifikanızı seçin."
    ),
}


def why(code: str) -> str:
    """The sentence for a stored refusal code of a request; empty for none."""
    if not code:
        return ""
    return _(_OF_REQUESTS[code]) if code in _OF_REQUESTS else text_of_code(code)
