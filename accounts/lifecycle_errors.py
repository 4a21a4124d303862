"""Refusals while an account is suspended, closed or opened again (codes KPT)."""

from .errors import AccountsError

__all__ = [
    "AlreadyClosed",
    "ClosedForGood",
    "ExpiryRefused",
    "LifecycleRefused",
    "NotActiveNow",
    "NotClosedNow",
    "NotFitting",
    "NotSuspendedSo",
    "StrongerSuspension",
]


class LifecycleRefused(AccountsError):
    """Root of the refusals of this file: the account stays as it is."""

    status = 409


class NotActiveNow(LifecycleRefused):
    """Only an account in use can be suspended."""

    code = "KPT-01"
    user_message = "Bu hesap kullanımda değil; askıya alınamaz. Hesapta hiçbir şey değişmedi."


class StrongerSuspension(LifecycleRefused):
    """The account is suspended already for this reason or a stronger one."""

    code = "KPT-02"
    user_message = "Bu hesap zaten askıda. Daha güçlü bir nedenle verilmiş askı kararı yerinde kalır."


class NotSuspendedSo(LifecycleRefused):
    """The suspension that was to be lifted is not there: none, or one that somebody else ordered."""

    code = "KPT-03"
    user_message = (
        "Kaldırılacak askı kararı bulunamadı. Hizmet sağlayıcının ya da yetkili merciin verdiği askı kararı "
        "yalnızca onu veren tarafça kaldırılır; hesapta hiçbir şey değişmedi."
    )


class AlreadyClosed(LifecycleRefused):
    """A closed account is not closed again: its first reason stays."""

    code = "KPT-04"
    user_message = "Bu hesap daha önce kapatıldı. Kapanış nedeni ve zamanı değişmedi; delilleri duruyor."


class NotFitting(LifecycleRefused):
    """The reason does not fit the holder: a company does not die, and a person is not dissolved."""

    status = 422
    code = "KPT-05"
    user_message = (
        "Seçilen neden bu hesap sahibi için kullanılamaz: ölüm gerçek kişiler, "
        "tüzel kişiliğin sona ermesi tüzel kişiler içindir."
    )


class NotClosedNow(LifecycleRefused):
    """Only a closed account is opened again."""

    code = "KPT-06"
    user_message = "Bu hesap kapalı değil; yeniden açılamaz. Hesapta hiçbir şey değişmedi."


class ClosedForGood(LifecycleRefused):
    """The holder is dead or dissolved: nobody can come back to this address (K-032, K-033)."""

    code = "KPT-07"
    user_message = (
        "Bu hesap ölüm ya da tüzel kişiliğin sona ermesi nedeniyle kapatıldı; yeniden açılamaz ve adresi kimseye "
        "verilmez. Deliller saklama süresi boyunca alınabilir."
    )


class ExpiryRefused(LifecycleRefused):
    """A term cannot end before it began, and a closed account has none."""

    status = 422
    code = "KPT-08"
    user_message = "Bitiş tarihi hesabın açılışından önce olamaz ve kapalı hesapta değiştirilemez."
