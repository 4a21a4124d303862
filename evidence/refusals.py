"""What the cryptographic core refuses. Each refusal has a `reason`, short English that tests and reports rely on.

`temporary` is a property of the refusal, decided where it is known: a time-stamp authority that does not answer is
worth another try, a token with a wrong imprint never is.
"""

from guards.errors import KepError


class CmsRefused(KepError):
    """A CMS signature that is not what it must be (V-060, V-062). `reason` names the rule it breaks."""

    code = "IMZ-60"
    user_message = (
        "Elektronik imza doğrulanamadı: imza verisi eksik, bozuk ya da izin verilmeyen biçimde. "
        "İletiniz gönderilmedi, taslağınız duruyor. İletiyi yeniden imzalayın."
    )


class BrokenChain(KepError):
    """A certificate that its issuer did not sign, or that belongs to no path. `subject_digest` names it (SHA-256)."""

    code = "IMZ-61"
    user_message = (
        "İmzanın içindeki sertifika, onu veren kuruluşun imzasıyla uyuşmuyor. Bu imzaya güvenilemez. "
        "Belgeyi kaynağından yeniden isteyin."
    )


class UnknownIssuer(BrokenChain):
    """The topmost certificate is fit, but none of the anchors handed in issued it: nobody can tell, not invalid."""

    code = "IMZ-62"
    user_message = (
        "İmzanın dayandığı kök sertifika güvenilenler arasında yok; imza hakkında karar verilemiyor. "
        "Doğru kök sertifikayla yeniden deneyin."
    )


class TimestampRefused(KepError):
    """A time-stamp that does not prove what it was asked for (A-006). The same answer will not do next time either."""

    code = "ZMD-02"
    user_message = (
        "Zaman damgası doğrulanamadı ve kullanılmadı. İletiniz ve taslağınız duruyor; "
        "işlem kendiliğinden yeniden denenir."
    )


class TimestampUnavailable(KepError):
    """The time-stamp authority did not answer, or said that it cannot now: hold and try again (A-007, V-096)."""

    code = "ZMD-01"
    temporary = True
    user_message = (
        "Zaman damgası hizmetine şu anda ulaşılamıyor. İletiniz güvende ve sırada bekliyor; "
        "hizmet dönünce işlem kendiliğinden sürer."
    )


class EvidenceRefused(KepError):
    """Bytes that are no intact evidence of our form. `where` names the region, `at` the offset where known."""

    code = "DEL-01"
    user_message = (
        "Delil geçersiz: içeriği, imzası ya da zaman damgası değişmiş. Bu dosyaya dayanmayın; "
        "delili KEP hesabınızdan yeniden indirin."
    )


class InconsistentFacts(KepError):
    """Facts that no evidence may state together, such as a refusal without a reason. A fault of the caller."""

    code = "DEL-03"


class UnrepresentableText(KepError):
    """Text that XML cannot hold: control characters, half a surrogate pair, U+FFFE, U+FFFF. `field` names the place.

    Raised before the legal step, so that a proof can always be written once the step was taken.
    """

    code = "DEL-02"
    user_message = (
        "İletinin konusunda ya da adlarında yazılamayan bir denetim karakteri var ({field}). Taslağınız duruyor. "
        "Bu karakteri silip yeniden deneyin."
    )


class KeyRefused(KepError):
    """A key that must not be used: readable by others, too weak, or not the key of the certificate beside it."""

    code = "ANH-01"


class KeyUnavailable(KepError):
    """The token or file that holds the key cannot be reached now."""

    code = "ANH-02"
    temporary = True


class KeyNotInForce(KepError):
    """The certificate of the key is not in force at that moment: nothing may be sealed with it (V-061)."""

    code = "ANH-03"
    temporary = True
