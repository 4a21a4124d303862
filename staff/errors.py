"""Refusals of the back office (YON)."""

from accounts.errors import AccountsError


class BranchRefused(AccountsError):
    """A branch that cannot be opened as written: its code is taken or not a code."""

    status = 422
    code = "YON-01"
    user_message = "Bu kod başka bir şubenin ya da kod biçiminde değil. Küçük harf, rakam ve tire kullanın."


class NoSuchBranch(AccountsError):
    """No such open branch."""

    status = 404
    code = "YON-02"
    user_message = "Böyle açık bir şube yok. Listeyi yenileyin; hiçbir şey değişmedi."


class BranchInUse(AccountsError):
    """Somebody still serves there, or a request waits: closing would leave both without a place."""

    status = 409
    code = "YON-03"
    user_message = "Bu şubede süren görev ya da karar bekleyen istek var. Önce onları sonuçlandırın."


class EnoughEyes(AccountsError):
    """Two people run the back office: from here on posts are given by them."""

    status = 409
    code = "YON-04"
    user_message = "Yönetimde en az iki kişi var. Görevleri onlar, birinin isteği ve öbürünün onayıyla verir."
