"""Refusals of activation (AKT) and of the sign-in for life (HES)."""

from .errors import AccountsError


class CodeNotRight(AccountsError):
    """Not the living code of this occasion: wrong, used, replaced, too old, or never sent (V-012, V-021, V-023)."""

    status = 422
    code = "AKT-01"
    user_message = "Kod yanlış, kullanılmış ya da süresi dolmuş. Telefonunuza en son gelen kodu yazın."


class CodeUsedUp(AccountsError):
    """So many wrong entries that the code is dead. Fact: `most`, how many it takes (V-024, W-007)."""

    status = 422
    code = "AKT-02"
    user_message = "Bu kodla {most} hatalı deneme oldu, kod geçersiz. Yeni bir kod isteyin."


class CodeNotSent(AccountsError):
    """The SMS gateway did not take the code: it is dead, and an older one still works."""

    status = 503
    code = "AKT-03"
    user_message = "Kod şu anda gönderilemiyor. Hiçbir şey değişmedi. Birkaç dakika sonra yeniden deneyin."
    temporary = True


class ActivationRefused(AccountsError):
    """The one answer to every wrong combination of number, address and code, and to an address nobody has (V-008)."""

    status = 422
    code = "AKT-04"
    user_message = (
        "T.C. kimlik no, KEP adresi ve kod birlikte doğrulanamadı. Üçünü de denetleyip yeniden yazın. "
        "Kodun süresi 24 saattir ve 5 denemeden sonra geçersiz olur; yenisini başvurduğunuz şubeden isteyin."
    )


class SignInInstead(AccountsError):
    """The code was right, and the person has parola and şifre already: he activates the account signed in."""

    status = 409
    code = "AKT-05"
    user_message = (
        "Parolanız ve şifreniz zaten var; aynılarını kullanırsınız. "
        "Giriş yapın, ardından yeni hesabınızı etkinleştirin."
    )


class TermsNotAccepted(AccountsError):
    """Not every text of the day was accepted; nothing was changed."""

    status = 422
    code = "AKT-06"
    user_message = "Hesabı etkinleştirmek için koşulların tümünü okuyup kabul edin. Hesabınız bekliyor."


class NothingToActivate(AccountsError):
    """The account is not waiting for this person: active already, closed, another's, or unknown (V-042)."""

    status = 404
    code = "AKT-07"
    user_message = "Etkinleştirilmeyi bekleyen böyle bir hesabınız yok. Hesap etkinse gelen kutunuzdan açılır."


class NotReachable(AccountsError):
    """There is nobody to whom a code could go: the account has neither holder nor main operator, or is not waiting."""

    status = 409
    code = "AKT-08"
    user_message = "Bu hesap için kod gönderilecek kişi yok ya da hesap etkinleştirme beklemiyor. Hesabı denetleyin."


class ProofNeeded(AccountsError):
    """An act that needs the person proved afresh within the last ten minutes (V-036)."""

    status = 403
    code = "HES-01"
    user_message = "Bu işlem için kimliğinizi yeniden doğrulayın. Hiçbir şey değişmedi."


class FactorNotRight(AccountsError):
    """Parola or şifre is wrong in a visit; which one is not said (V-008, W-008)."""

    status = 422
    code = "HES-02"
    user_message = "Parola ya da şifre yanlış. Hangisinin yanlış olduğu güvenlik nedeniyle söylenmez. İkisini de yazın."


class RecoveryRefused(AccountsError):
    """The one answer to every wrong combination of number and recovery code (V-008, V-011)."""

    status = 422
    code = "HES-03"
    user_message = (
        "T.C. kimlik no ile kod birlikte doğrulanamadı. İkisini de denetleyip yeniden yazın. "
        "Kodun süresi 24 saattir ve 5 denemeden sonra geçersiz olur; yenisini şubeden isteyin."
    )


class NoSuchVisit(AccountsError):
    """Not a visit of this person that is still open (V-042)."""

    status = 404
    code = "HES-04"
    user_message = "Bu oturum zaten kapalı ya da size ait değil. Açık oturumlarınız listede durur."


class AppCodeNotRight(AccountsError):
    """Neither the code an authenticator shows now nor an unused recovery code."""

    status = 422
    code = "HES-05"
    user_message = (
        "Kod yanlış ya da daha önce kullanılmış. Uygulamanın şu anda gösterdiği kodu "
        "ya da başka bir kurtarma kodunu yazın."
    )


class AuthenticatorThere(AccountsError):
    """The person has an authenticator already: it is removed first."""

    status = 409
    code = "HES-06"
    user_message = "Bir doğrulama uygulamanız zaten kayıtlı. Yenisini eklemek için önce onu kaldırın."


class NothingChanged(AccountsError):
    """The new secret is the present one."""

    status = 422
    code = "HES-07"
    user_message = "Yeni yazdığınız eskisiyle aynı. Başka bir tane seçin; eskisi geçerliliğini koruyor."
