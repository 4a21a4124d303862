"""Refusals of the acts that need four eyes (ONY, from 20 on)."""

from ..errors import AccountsError


class NotLookedUp(AccountsError):
    """The page of somebody whom this clerk has not looked up a moment ago, or who does not exist (V-042, V-049)."""

    status = 404
    code = "ONY-20"
    user_message = "Bu kişinin sayfası kapalı. Kişiyi kimlik belgesindeki T.C. kimlik no ile yeniden arayın."


class NobodyFound(AccountsError):
    """Nobody here has this number."""

    status = 422
    code = "ONY-21"
    user_message = (
        "Bu T.C. kimlik no ile kayıtlı kimse yok. Numarayı belgeden denetleyin; ilk kez geliyorsa başvuru alın."
    )


class IdentityOpen(AccountsError):
    """Known by form only: nobody has seen who holds the number, so that there is nothing to renew (I-004, K-025)."""

    status = 409
    code = "ONY-22"
    user_message = "Bu kişinin kimliği henüz bir şubede görülmedi. Önce başvurusunu gişede tamamlayın."


class SamePhone(AccountsError):
    """The new phone is the present one."""

    status = 422
    code = "ONY-23"
    user_message = "Yeni numara, kayıtlı numarayla aynı. Hiçbir şey değişmedi."


class CodeWentElsewhere(AccountsError):
    """The code that was read out went to another number than the one asked for now."""

    status = 422
    code = "ONY-24"
    user_message = "Okunan kod başka bir numaraya gönderilmişti. Yeni numaraya kod gönderip okunan kodu yazın."


class PhoneMoved(AccountsError):
    """The phone is not what it was when the change was asked for: somebody else changed it first."""

    status = 409
    code = "ONY-25"
    user_message = "Kayıtlı telefon bu istekten sonra değişti. İstek uygulanmadı; gerekiyorsa yeniden isteyin."


class StopRefused(AccountsError):
    """The one answer to every number and code that do not fit, known person or not (V-008)."""

    status = 422
    code = "ONY-26"
    user_message = (
        "T.C. kimlik no ile kod birlikte doğrulanamadı. İkisini de denetleyip yeniden yazın. "
        "Değişikliği siz istemediyseniz ve kod elinizde yoksa kimliğinizle hemen bir şubeye gidin."
    )


class NoSuchAccount(AccountsError):
    """No such account or operator for this act."""

    status = 404
    code = "ONY-27"
    user_message = "Böyle bir hesap ya da yetkili yok. Sayfayı yenileyin; hiçbir şey değişmedi."


class NotNatural(AccountsError):
    """An operator's office is for accounts of legal persons."""

    status = 409
    code = "ONY-28"
    user_message = "Gerçek kişi hesabına işlem yetkilisi atanmaz; hesabın sahibi kendisi işlem yapar."


class NotPossibleNow(AccountsError):
    """The account is not in a state in which this could be done."""

    status = 409
    code = "ONY-29"
    user_message = "Hesabın şimdiki durumunda bu işlem yapılamaz. Sayfayı yenileyip durumuna bakın."


class PostTaken(AccountsError):
    """The person holds a post of this role already."""

    status = 409
    code = "ONY-30"
    user_message = "Bu kişinin bu rolde zaten bir görevi var. Önce o görev sona erdirilir."


class NoSuchPost(AccountsError):
    """No such running post, or no such open branch."""

    status = 404
    code = "ONY-31"
    user_message = "Böyle süren bir görev ya da açık bir şube yok. Sayfayı yenileyin; hiçbir şey değişmedi."
