"""Every way in which signing can end without a signature.

One class per way, because each one is told differently to the person, to the shell and to the provider:
`user_message` is the Turkish sentence (what happened, what is safe, what to do); `code` is what is read out to
the help desk (`PRG-` for what happens in this program; a locked PIN is IMZ-03 here and at the provider);
`exit_status` is what the shell sees; `cancel_reason` is what the provider is told when the operation cannot go
on. Exception texts are English and carry no PIN, no operation code, no subject.

The set follows S-025: cancelled by the person, timed out, action pending, insecure context, component
unavailable, invalid argument, and what is fatal.
"""

from typing import ClassVar


class SignerError(Exception):
    """The root. Keyword arguments become attributes and fill the `{holes}` of `user_message`."""

    code: ClassVar[str] = "PRG-01"
    user_message: ClassVar[str] = "İmzalama tamamlanamadı. İletiniz taslakta duruyor. Yeniden deneyin."
    exit_status: ClassVar[int] = 1
    cancel_reason: ClassVar[str] = ""
    """Not empty: the operation is over, and the provider is told so with this word."""

    def __init__(self, reason: str = "", **facts: object) -> None:
        self.reason = reason
        self.facts = facts
        super().__init__(reason or type(self).__name__)

    def for_person(self, *, of_request: bool = False) -> str:
        """The Turkish sentence with its holes filled from the facts; of a request, without words about a message."""
        text = self.user_message
        for about_a_message, instead in _OF_A_REQUEST if of_request else ():
            text = text.replace(about_a_message, instead)
        return text.format(**self.facts)


_OF_A_REQUEST = (
    ("iletiniz taslakta duruyor", "hesabınızda hiçbir şey değişmedi"),
    ("İletiniz taslakta duruyor", "Hesabınızda hiçbir şey değişmedi"),
    ("İndirilen ileti,", "İndirilen istek,"),
    ("İleti, ne imzaladığınızı", "İstek, ne imzaladığınızı"),
    (" açın ya da mobil imza ile sürdürün", " açtırın"),
)
"""Half sentences that speak of a draft, and what is true where a sign-in or an application was to be signed."""


class InvalidArgument(SignerError):
    """An option, a code or an origin that cannot be what was meant."""

    code = "PRG-02"
    user_message = "Girdiğiniz bilgi kullanılamıyor: {what}. Denetleyip yeniden girin."
    exit_status = 2


# --- the card or key file -------------------------------------------------------------------------------


class PinLocked(SignerError):
    """The token takes no PIN any more."""

    code = "IMZ-03"
    user_message = (
        "Kartınızın PIN'i kilitlenmiş. İletiniz taslakta duruyor. PIN'i sertifikanızı veren kuruluştan açın"
        " ya da mobil imza ile sürdürün."
    )
    exit_status = 5
    cancel_reason = "pin_locked"


class WrongPin(SignerError):
    """The token refused the PIN. `tries_left` is None where the token does not say how many are left."""

    code = "PRG-04"
    user_message = "PIN yanlış. İmza atılmadı. {tries}"
    exit_status = 4

    def __init__(self, reason: str = "", *, tries_left: int | None = None, final_try: bool = False) -> None:
        self.tries_left = tries_left
        self.final_try = final_try
        super().__init__(reason, tries=_tries_sentence(tries_left, final_try))


class PinMissing(SignerError):
    """No PIN was given, so the private key cannot be seen. No try was used up."""

    code = "PRG-05"
    user_message = "PIN girilmedi. Deneme hakkınız azalmadı. PIN'inizi girip yeniden deneyin."
    exit_status = 4


class TokenMissing(SignerError):
    """No card, no key file, or it was taken out on the way."""

    code = "PRG-06"
    user_message = (
        "e-imza kartı ya da sertifika dosyası bulunamadı. Kartı takın, kart programının kurulu olduğunu"
        " denetleyin ve yeniden deneyin. İletiniz taslakta duruyor."
    )
    exit_status = 6


class ModuleUnavailable(SignerError):
    """The PKCS#11 library cannot be loaded: wrong path, or built for another processor (S-026)."""

    code = "PRG-07"
    user_message = (
        "Kart programı açılamadı: {module}. Yolun doğru, programın bu bilgisayarın işlemcisine (arm64 ya da"
        " x86-64) uygun olduğunu denetleyin."
    )
    exit_status = 6


class KeyFileUnreadable(SignerError):
    """A `.p12` that cannot be read at all, or one whose certificate nobody can see without its PIN."""

    code = "PRG-08"
    user_message = "Sertifika dosyası okunamadı: {file}. {hint}"
    exit_status = 6


class UnusableKey(SignerError):
    """The chosen certificate is gone, has no key of its own, or a kind of key that KEP does not take."""

    code = "PRG-09"
    user_message = "Seçtiğiniz sertifika ile imza atılamıyor: {why}. Başka bir sertifika seçin."
    exit_status = 6


class TokenFailed(SignerError):
    """The card answered with an error that says nothing about the PIN."""

    code = "PRG-10"
    user_message = "Kart imzayı atmadı. Kartı çıkarıp takın ve yeniden deneyin. İletiniz taslakta duruyor."
    exit_status = 6


# --- the person and the clock ---------------------------------------------------------------------------


class UserCancelled(SignerError):
    """The person said no."""

    code = "PRG-11"
    user_message = "İmzalamayı iptal ettiniz. İmza atılmadı; iletiniz taslakta duruyor."
    exit_status = 3
    cancel_reason = "user"


class UserTimeout(SignerError):
    """Nobody answered for 120 seconds (S-024)."""

    code = "PRG-12"
    user_message = (
        "İki dakika yanıt verilmediği için imzalama kapatıldı. İmza atılmadı; iletiniz taslakta duruyor."
        " KEP sayfasından yeniden başlatın."
    )
    exit_status = 3
    cancel_reason = "timeout"


class ActionPending(SignerError):
    """One operation at a time (S-024)."""

    code = "PRG-13"
    user_message = "Bu programda açık bir imzalama var. Önce onu bitirin ya da iptal edin."
    exit_status = 2


class NothingPending(SignerError):
    """A step was asked for that the state of the operation does not allow."""

    code = "PRG-14"
    user_message = "Bu adım artık geçerli değil. KEP sayfasından imzalamayı yeniden başlatın."
    exit_status = 2


class OperationOver(SignerError):
    """The provider says that the operation is used, cancelled or past its term."""

    code = "PRG-15"
    user_message = (
        "İmzalama işleminin süresi dolmuş ya da işlem kapanmış. İmza gönderilmedi; iletiniz taslakta duruyor."
        " KEP sayfasından yeniden başlatın."
    )
    exit_status = 3


# --- the provider ---------------------------------------------------------------------------------------


class OriginRefused(SignerError):
    """The address is not on this program's list (S-018)."""

    code = "PRG-16"
    user_message = "Bu program {origin} adresine bağlanmak için kurulmamış. Kod kullanılmadı; kimseye bilgi gitmedi."
    exit_status = 7


class Unreachable(SignerError):
    """No answer, or none in time. Nothing was signed, or the signature did not arrive."""

    code = "PRG-17"
    user_message = "KEP sağlayıcısına ulaşılamadı. İletiniz taslakta duruyor. Bağlantınızı denetleyip yeniden deneyin."
    exit_status = 8


class InsecureConnection(SignerError):
    """The TLS certificate does not hold. There is no switch to go on (S-018)."""

    code = "PRG-18"
    user_message = (
        "Bağlantının güvenlik sertifikası doğrulanamadı; bağlantı kesildi. PIN sorulmadı, imza atılmadı."
        " Sağlayıcınızı arayın."
    )
    exit_status = 7


class ServerRefused(SignerError):
    """The provider answered with a refusal of its own, in its own words."""

    code = "PRG-19"
    user_message = "{message}"
    exit_status = 9

    def __init__(self, reason: str = "", *, message: str, server_code: str, status: int) -> None:
        self.message = message
        self.server_code = server_code
        self.status = status
        super().__init__(reason, message=message)


class BadAnswer(SignerError):
    """The answer is not what the protocol allows: a redirect, an unknown field, too many bytes (S-024)."""

    code = "PRG-20"
    user_message = (
        "Sağlayıcının yanıtı beklenen biçimde değil; işlem durduruldu. PIN sorulmadı, imza atılmadı."
        " Programın yeni sürümü olup olmadığını denetleyin."
    )
    exit_status = 9
    cancel_reason = "bad_answer"


class UnknownPurpose(SignerError):
    """Something is to be signed that this program could not show."""

    code = "PRG-21"
    user_message = (
        "Sizden bu programın tanımadığı bir imza isteniyor; ne imzaladığınızı gösteremeyeceği için durdu."
        " Programın yeni sürümünü kurun."
    )
    exit_status = 9
    cancel_reason = "unknown_purpose"


class TypedRequest(SignerError):
    """A sign-in or an application is opened by its link alone: whoever has a code typed is after somebody's account."""

    code = "PRG-25"
    user_message = (
        "Giriş, kimlik doğrulama ve başvuru istekleri kod yazılarak açılmaz; yalnız kendi tarayıcınızdaki KEP"
        " sayfasının düğmesiyle açılır. Biri sizden bu kodu yazmanızı istediyse durun: adınıza giriş yapmaya çalışıyor"
        " olabilir. İmza atılmadı, hiçbir şey değişmedi."
    )
    exit_status = 2
    cancel_reason = "bad_answer"


class DocumentDiffers(SignerError):
    """The bytes that came are not the bytes that were announced (S-020)."""

    code = "PRG-22"
    user_message = (
        "İndirilen ileti, sayfada duyurulandan farklı. İmza atılmadı; iletiniz taslakta duruyor."
        " Bu kodla sağlayıcınıza başvurun."
    )
    exit_status = 9
    cancel_reason = "document_differs"


class ClockDiffers(SignerError):
    """The time to be signed is more than five minutes from this machine's clock."""

    code = "PRG-23"
    user_message = (
        "İmzaya yazılacak saat bu bilgisayarın saatinden {minutes} dakika farklı. İmza atılmadı."
        " Bilgisayarınızın saatini denetleyip yeniden deneyin."
    )
    exit_status = 9
    cancel_reason = "clock_differs"


class DocumentUnreadable(SignerError):
    """The message cannot be shown without doubt, so it is not signed (V-060)."""

    code = "PRG-24"
    user_message = (
        "İleti, ne imzaladığınızı kuşkuya yer bırakmadan gösterecek biçimde değil. İmza atılmadı;"
        " iletiniz taslakta duruyor. Bu kodla sağlayıcınıza başvurun."
    )
    exit_status = 9
    cancel_reason = "document_unreadable"


def _tries_sentence(tries_left: int | None, final_try: bool) -> str:
    if final_try or tries_left == 1:
        return "Son deneme hakkınız kaldı: bir kez daha yanlış girilirse PIN kilitlenir."
    if tries_left is None:
        return "Birkaç yanlış girişte PIN kilitlenir; emin olmadan denemeyin."
    return f"{tries_left} deneme hakkınız kaldı."
