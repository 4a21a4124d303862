"""Refusals around operators and their invitations (code prefix YTK)."""

from typing import ClassVar

from ..errors import AccountsError


class OperatingError(AccountsError):
    """Root of these refusals."""

    status: ClassVar[int] = 422


class MayNotManage(OperatingError):
    """The person may not manage, or not see, the operators of the account he acts for (K-131, V-043)."""

    status = 403
    code = "YTK-21"
    user_message = (
        "Bu hesabın yetkililerini yönetme yetkiniz yok ya da bu hesabın yetkilisi olmaz. "
        "Hiçbir şey değişmedi. Hesabın ana işlem yetkilisine başvurun."
    )


class NoSuchOperator(OperatingError):
    """No present operator of this account has this name; another account's is refused alike (V-042)."""

    status = 404
    code = "YTK-22"
    user_message = "Bu hesapta böyle bir yetkili yok ya da yetkisi sona erdi. Listeyi yenileyin."


class LastMainOperator(OperatingError):
    """Nobody would be left who stands for the account and may manage its operators (W-006)."""

    code = "YTK-23"
    user_message = (
        "Bu kişi, süresiz ve yetkili yönetimi açık son ana işlem yetkilisi. Hiçbir şey değişmedi. "
        "Önce yerine bir ana işlem yetkilisi ekleyin; o, daveti kabul edince bunu yapabilirsiniz."
    )


class GrantRefused(OperatingError):
    """Rights or dates that cannot be given; `why` says so in Turkish."""

    code = "YTK-24"
    user_message = "Bu yetki verilemez: {why}"
    sentences = frozenset({"why"})


class AlreadyOperator(OperatingError):
    """The person holds an office at this account, or is invited to one already."""

    code = "YTK-25"
    user_message = (
        "Bu T.C. kimlik numarası için bu hesapta zaten bir yetki ya da bekleyen bir davet var. Hiçbir şey değişmedi. "
        "Listeden düzenleyin ya da önce bekleyen daveti geri çekin."
    )


class BeyondOwnRights(OperatingError):
    """Only a main operator gives what he does not hold, appoints main operators, or touches them."""

    status = 403
    code = "YTK-26"
    user_message = (
        "Yalnız kendinizde olan yetkileri verebilirsiniz; ana işlem yetkililerini ancak bir ana işlem yetkilisi "
        "ekler, değiştirir ve çıkarır. Hiçbir şey değişmedi."
    )


class OwnOffice(OperatingError):
    """A manager who is no main operator wants to change his own rights."""

    status = 403
    code = "YTK-27"
    user_message = "Kendi yetkilerinizi siz değiştiremezsiniz. Bir ana işlem yetkilisine başvurun."


class NoSuchInvitation(OperatingError):
    """No such invitation of this account, or to this person; others' are refused alike (V-042)."""

    status = 404
    code = "YTK-28"
    user_message = "Böyle bir davet yok."


class InvitationOver(OperatingError):
    """Accepted, declined, withdrawn or run out: an invitation is answered once."""

    status = 409
    code = "YTK-29"
    user_message = (
        "Bu davet artık açık değil: yanıtlandı, geri çekildi ya da süresi doldu. Yetkileriniz değişmedi. "
        "Gerekiyorsa hesabın yetkilisinden yeni davet isteyin."
    )


class NotYouForCertain(OperatingError):
    """Nobody has seen who holds this number, and the phone is not the one the inviter knows (I-004, V-011)."""

    status = 403
    code = "YTK-30"
    user_message = (
        "Kimliğiniz henüz doğrulanmadı ve bu davet başka bir telefon numarasına yapıldı. Davet açık kalır. "
        "Kimliğinizle bir şubeye gidin ya da daveti yapandan şimdiki numaranıza yeni davet isteyin."
    )


class ChangedMeanwhile(OperatingError):
    """Somebody changed this operator between the page and the button."""

    status = 409
    code = "YTK-31"
    user_message = (
        "Siz sayfayı açtıktan sonra bu kişinin yetkileri değişti. Değişikliğiniz kaydedilmedi. "
        "Yetkilerin şimdiki durumuna bakıp yeniden deneyin."
    )


class TooManyInvitations(OperatingError):
    """More invitations in a day than one account, or one person, is sent."""

    status = 429
    code = "YTK-32"
    user_message = "Son 24 saatte çok sayıda davet gönderildi. Hiçbir şey değişmedi. Yarın yeniden deneyin."
    temporary = True


class UnknownFields(OperatingError):
    """A form that holds more than its fields (V-041)."""

    status = 400
    code = "YTK-33"
    user_message = "Form, bilinmeyen alanlar içeriyor. Hiçbir şey değişmedi. Sayfayı yenileyip yeniden deneyin."


class NoSuchRecord(OperatingError):
    """A record that was never asked for, or not of this account."""

    status = 404
    code = "YTK-34"
    user_message = "Böyle bir yetkili belgesi yok. Yetkililer sayfasından yeni belge isteyin."
