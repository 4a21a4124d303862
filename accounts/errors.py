"""Refusals a person can meet at the door and while choosing for whom to act (design.md 6).

One sentence for every wrong factor, known person or not: what differs is never said (V-008, W-008).
"""

from typing import ClassVar

from guards.errors import KepError


class AccountsError(KepError):
    """Root of this floor's refusals."""


class TcknRefused(AccountsError):
    """Not an identity number by form: 11 ASCII digits with right check digits (I-001, V-009)."""

    status = 422
    code = "GRS-01"
    user_message = "T.C. kimlik no 11 rakamdan oluşur. Yazımını denetleyin; boşluk ve harf kullanmayın."


class PhoneRefused(AccountsError):
    """Not a Turkish mobile number (I-014)."""

    status = 422
    code = "TEL-01"
    user_message = "Cep telefonu numarası 05 ile başlayan 11 rakamdır. Sabit hat ve yurt dışı numaraları kullanılamaz."


class AddressRefused(AccountsError):
    """Not a KEP address by form (K-045, K-048, V-010, V-074)."""

    status = 422
    code = "ADR-01"
    user_message = "Bu bir KEP adresi değil. KEP adresleri ad.soyad@hs01.kep.tr biçimindedir."


class SecretsRefused(AccountsError):
    """A parola or şifre that may not be chosen; `why` says so in Turkish (V-001, V-005, W-008)."""

    status = 422
    code = "GRS-11"
    user_message = "Bu parola ve şifre birlikte kullanılamaz: {why}"
    sentences = frozenset({"why"})


class WrongFactor(AccountsError):
    """T.C. kimlik no, parola or şifre is wrong, or nobody has the number: the one answer for all of them (V-008)."""

    status = 422
    code = "GRS-02"
    user_message = (
        "T.C. kimlik no, parola ya da şifre yanlış. Hangisinin yanlış olduğu güvenlik nedeniyle söylenmez. "
        "Üçünü de yeniden yazın."
    )


class WrongCode(AccountsError):
    """The SMS code is not the one of this attempt, is used, replaced, or too old (V-021..V-023)."""

    status = 422
    code = "GRS-03"
    user_message = "Kod yanlış ya da süresi doldu. Telefonunuza en son gelen kodu yazın; gelmediyse yeni kod isteyin."


class CodeSpent(AccountsError):
    """Three wrong entries: this code is dead, a new one may be asked for (V-024)."""

    status = 422
    code = "GRS-04"
    user_message = "Bu kodla 3 hatalı deneme oldu, kod geçersiz. Yeni kod isteyin."


class SignInExpired(AccountsError):
    """The half-finished sign-in is too old, or was never begun."""

    status = 403
    code = "GRS-05"
    user_message = "Giriş yarıda kaldı ve süresi doldu. T.C. kimlik no, parola ve şifrenizle yeniden başlayın."


class VisitEnded(AccountsError):
    """No verified visit: never begun, idle for too long, over its total time, or ended elsewhere (V-031)."""

    status = 401
    code = "GRS-06"
    user_message = (
        "Oturumunuz kapalı. Kaydedilmiş taslaklarınız duruyor; yeniden giriş yapıp kaldığınız yerden sürdürün."
    )


class TooManyTries(AccountsError):
    """Wrong tries from this device have to wait. Facts: `count`, `until` (aware), `at` (shown). V-006, V-007."""

    status = 429
    code = "GRS-07"
    user_message = (
        "{count} hatalı deneme oldu. Saat {at} olduğunda yeniden deneyebilirsiniz. Bu sürede denemek süreyi uzatmaz."
    )
    temporary = True


class RecoveryNeeded(AccountsError):
    """A hundred wrong tries in a row: unknown devices are shut out until the person proves who he is (V-006)."""

    status = 429
    code = "GRS-08"
    user_message = (
        "Art arda çok sayıda hatalı deneme oldu; tanınmayan cihazlardan giriş kapatıldı. "
        "Daha önce giriş yaptığınız bir cihazı kullanın ya da kimliğinizle bir şubeye başvurun."
    )


class CodeTooSoon(AccountsError):
    """A code was sent a moment ago, or five in this hour (N-003, V-026). Facts: `until` (aware), `at` (shown)."""

    status = 429
    code = "GRS-09"
    user_message = "Şu anda yeni kod gönderilemiyor. Saat {at} olduğunda yeniden isteyebilirsiniz."
    temporary = True


class SmsUnavailable(AccountsError):
    """The SMS gateway did not take the message."""

    status = 503
    code = "GRS-12"
    user_message = (
        "SMS şu anda gönderilemiyor. Bilgileriniz doğru ve hiçbir şey değişmedi. Birkaç dakika sonra yeniden deneyin."
    )
    temporary = True


class NotActing(AccountsError):
    """Root of the refusals that say: in this request nobody acts for an account."""

    status: ClassVar[int] = 403


class AccessRefused(NotActing):
    """The account is not reachable for this person: unknown, another's, closed, or the right has ended (V-042)."""

    code = "HSP-01"
    user_message = "Bu hesap adına işlem yapma yetkiniz yok ya da yetkiniz sona erdi. Başka bir hesap seçin."


class AccountNotChosen(NotActing):
    """Several accounts, none chosen in this visit."""

    code = "HSP-02"
    user_message = "Hangi hesap adına işlem yapacağınızı seçin."


class NoAccount(NotActing):
    """The person may act for no account at all."""

    code = "HSP-03"
    user_message = (
        "Adına işlem yapabileceğiniz bir KEP hesabı yok. Yetkiyi hesabın ana işlem yetkilisi, hesabı şube açar."
    )


class NotServing(AccountsError):
    """A page of the desk or the back office, asked for by somebody who holds no such post now (V-043)."""

    status = 403
    code = "SBE-01"
    user_message = "Bu sayfa görevli personel içindir. Göreviniz yeni başladıysa yöneticinize sorun."
