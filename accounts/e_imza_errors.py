"""Refusals of proving oneself by e-imza. Nothing here tells who has an account, but to its own proven owner (V-008)."""

from .errors import AccountsError


class NotOfThisBrowser(AccountsError):
    """The token is no token, was used, or belongs to a request that another browser began. One text for all of them."""

    status = 403
    code = "GRS-21"
    user_message = (
        "Bu imza, bu tarayıcıda başlatılmış açık bir isteğe ait değil ya da daha önce kullanıldı. "
        "Hiçbir şey değişmedi. Siz başlatmadıysanız kapatın; siz başlattıysanız aynı tarayıcıda yeniden başlayın."
    )


class RequestTooOld(AccountsError):
    """The term of the request was over before it was finished."""

    status = 403
    code = "GRS-22"
    user_message = "İsteğin süresi doldu. Hiçbir şey değişmedi. Yeniden başlayıp imzanızı süresi içinde tamamlayın."


class CertificateRefused(AccountsError):
    """The certificate, or its revocation, does not allow it; `text` says why in one sentence."""

    status = 422
    code = "GRS-23"
    sentences = frozenset({"text"})
    user_message = "{text} İşlem yapılmadı, hesabınızda hiçbir şey değişmedi."


class RevocationNotKnown(AccountsError):
    """Neither OCSP nor a current CRL could be had: nobody is let in on trust (V-018, design.md 6)."""

    status = 503
    code = "GRS-24"
    user_message = (
        "Sertifikanızın iptal durumu şu anda öğrenilemiyor; bu yüzden e-imzanızla işlem yapılmadı. "
        "Biraz sonra yeniden deneyin ya da parolanız ve şifrenizle giriş yapın."
    )
    temporary = True


class NoSignInForYou(AccountsError):
    """The e-imza is right, and its owner cannot sign in here. Said only to him: he has proved who he is."""

    status = 403
    code = "GRS-25"
    user_message = (
        "E-imzanız doğrulandı, ancak T.C. kimlik numaranızla giriş yapılabilecek bir kayıt yok ya da kapatılmış. "
        "KEP hesabınız yoksa başvurun; varsa kimliğinizle bir şubeye gidin."
    )


class ApplicationMoved(AccountsError):
    """The application is no draft any more, or names somebody else since it was signed."""

    status = 409
    code = "GRS-26"
    user_message = "Başvurunuz bu arada değişti; imza bu haline ait değil. Başvurunuz duruyor. Yeniden imzalayın."


class FreshEImzaNeeded(AccountsError):
    """Forgotten secrets are renewed within ten minutes of an e-imza, in the same visit (W-011)."""

    status = 403
    code = "GRS-27"
    user_message = (
        "Parola ve şifre, e-imzayla girişten sonraki on dakika içinde yenilenir. "
        "Hiçbir şey değişmedi. E-imzanızla yeniden giriş yapın."
    )
