"""Refusals of the hand-over. The signer shows the sentence, the page shows it again; the draft is always safe."""

from guards.errors import KepError


class SigningError(KepError):
    """Root of this floor's refusals."""


class UnknownCode(SigningError):
    """No open operation has this code: mistyped, used, too old, cancelled. One text for all of them."""

    code = "IMZ-10"
    status = 404
    user_message = (
        "Bu işlem kodu geçerli değil: yanlış yazılmış, kullanılmış ya da süresi dolmuş olabilir. "
        "Taslağınız duruyor. KEP sayfasından yeni kod alın."
    )


class UnknownLink(UnknownCode):
    """As `UnknownCode`, for the code of a link: there is no draft here to speak of."""

    user_message = (
        "Bu istek artık açık değil: daha önce açılmış, iptal edilmiş ya da süresi dolmuş. "
        "Hesabınızda hiçbir şey değişmedi. KEP sayfasına dönüp yeniden başlayın."
    )


class TooManyCodes(SigningError):
    """Five wrong codes from one client: it waits (S-017)."""

    code = "IMZ-11"
    status = 429
    temporary = True
    user_message = "Beş kez yanlış kod girildi. {minutes} dakika sonra yeniden deneyebilirsiniz. Taslağınız duruyor."


class OperationOver(SigningError):
    """The operation is no longer open: cancelled, expired, or already signed."""

    code = "IMZ-12"
    status = 409
    user_message = (
        "Bu imza isteği artık açık değil: iptal edildi, süresi doldu ya da tamamlandı. "
        "Taslağınız duruyor. KEP sayfasına dönüp durumu görün."
    )


class RequestOver(OperationOver):
    """As `OperationOver`, for a sign-in or an application."""

    user_message = (
        "Bu istek artık açık değil: iptal edildi, süresi doldu ya da tamamlandı. "
        "Hesabınızda hiçbir şey değişmedi. KEP sayfasına dönüp yeniden başlayın."
    )


class CertificateUnfit(SigningError):
    """The offered certificate cannot sign this: `fault` and `text` say why, in one sentence for the person."""

    code = "IMZ-13"
    status = 422
    sentences = frozenset({"text"})
    user_message = "{text} Bu sertifikayla imza alınmadı, taslağınız duruyor."


class CertificateUnfitForRequest(CertificateUnfit):
    """As `CertificateUnfit`, for a sign-in or an application."""

    user_message = "{text} Bu sertifikayla işlem yapılmadı, hesabınızda hiçbir şey değişmedi."


class SignatureUnfit(SigningError):
    """What came back is no signature of the offered certificate over the document."""

    code = "IMZ-14"
    status = 422
    user_message = "Gelen imza doğrulanamadı ve kullanılmadı. Taslağınız duruyor. Yeniden imzalayın."


class SignatureUnfitForRequest(SignatureUnfit):
    """As `SignatureUnfit`, for a sign-in or an application."""

    user_message = (
        "Gelen imza doğrulanamadı ve kullanılmadı. Hesabınızda hiçbir şey değişmedi. KEP sayfasından yeniden başlayın."
    )


class StaleOperation(SigningError):
    """The operation moved on meanwhile: somebody else took or ended it."""

    code = "IMZ-15"
    status = 409
    user_message = "Bu imza isteği bu arada ilerledi. Sayfayı yenileyip durumu görün."


class PinLocked(SigningError):
    """How an operation can end at the signer; never raised here, its sentence is shown by the asking page."""

    code = "IMZ-03"
    user_message = (
        "Kartınızın PIN'i kilitlenmiş. İletiniz taslakta duruyor. PIN'i sertifikanızı veren kuruluştan açın "
        "ya da mobil imza ile sürdürün."
    )


class SignerTimedOut(SigningError):
    """Nobody answered at the signer for two minutes. Shown, never raised here."""

    code = "IMZ-17"
    user_message = "İmza programında iki dakika yanıt verilmedi; imza atılmadı. Taslağınız duruyor. Yeniden imzalayın."


class SignerStopped(SigningError):
    """The signer did not trust what it was given, or could not show it. Shown, never raised here."""

    code = "IMZ-18"
    user_message = (
        "İmza programı, gösteremediği ya da duyurulandan farklı bulduğu için iletiyi imzalamadı. Taslağınız duruyor. "
        "Yeniden deneyin; yinelenirse programda gördüğünüz kodla bize başvurun."
    )


class SignerClockDiffers(SigningError):
    """The signer's clock and ours are more than five minutes apart. Shown, never raised here."""

    code = "IMZ-19"
    user_message = (
        "İmza programının çalıştığı bilgisayarın saati sağlayıcının saatinden çok farklı; imza atılmadı. "
        "Bilgisayarın saatini düzeltip yeniden imzalayın. Taslağınız duruyor."
    )


class MalformedRequest(SigningError):
    """The signer's message is not of the agreed form: unknown fields, wrong types, too large (S-024)."""

    code = "IMZ-16"
    user_message = "İmza programının isteği anlaşılamadı. Programı güncelleyip yeniden deneyin. Taslağınız duruyor."
