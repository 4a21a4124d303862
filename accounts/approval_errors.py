"""Refusals of the two-person rule (ONY)."""

from .errors import AccountsError


class ApprovalUnknown(AccountsError):
    """No such request for this person: unknown, another branch's, or of a kind he may not decide (V-042)."""

    status = 404
    code = "ONY-01"
    user_message = "Böyle bir onay isteği yok ya da sizin biriminizin değil. Hiçbir şey değişmedi."


class DecisionRefused(AccountsError):
    """Root of what is said on the page of the request itself."""


class OwnRequest(DecisionRefused):
    """Whoever asked decides nothing: a second person does (V-046)."""

    status = 403
    code = "ONY-02"
    user_message = "Kendi isteğinizi siz onaylayamaz, reddedemezsiniz. İstek bekliyor; ikinci bir görevliye söyleyin."


class OwnMatter(DecisionRefused):
    """The request is about the person himself."""

    status = 403
    code = "ONY-03"
    user_message = "Bu istek sizin hakkınızda. Sizinle ilgili işlemi başka bir görevli ister, bir başkası onaylar."


class ApprovalOver(DecisionRefused):
    """Decided, withdrawn, stopped or lapsed meanwhile; what was decided first stands."""

    status = 409
    code = "ONY-04"
    user_message = (
        "Bu istek artık açık değil: onaylanmış, reddedilmiş, durdurulmuş ya da süresi dolmuş. Listeyi yenileyin."
    )


class AskerLeft(DecisionRefused):
    """Whoever asked holds no post any more: what he asked for is not done on his word."""

    status = 409
    code = "ONY-05"
    user_message = "Bu isteği yapan kişinin görevi sona ermiş. Hiçbir şey değişmedi; gerekiyorsa işlemi siz isteyin."


class AlreadyAsked(AccountsError):
    """An open request of the same kind about the same subject: it is decided first."""

    status = 409
    code = "ONY-06"
    user_message = "Aynı işlem için açık bir istek zaten var. O karara bağlanmadan yenisi yapılamaz."


class NotThisPost(AccountsError):
    """This kind of act is not asked for in this role."""

    status = 403
    code = "ONY-07"
    user_message = "Bu işlemi göreviniz gereği isteyemezsiniz. Yönetim birimine başvurun."


class WhyMissing(AccountsError):
    """A request without a reason: the second pair of eyes must know what it looks at."""

    status = 422
    code = "ONY-08"
    user_message = "İşlemin gerekçesini yazın. İkinci görevli gerekçeyi görmeden karar veremez."
