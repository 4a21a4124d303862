"""Refusals of the evidence floor. Each carries its facts; none carries message text or an identity number."""

from guards.errors import KepError


class EvidenceError(KepError):
    """Root of this floor's refusals."""


class CipherTextRefused(EvidenceError):
    """A field sealed at rest does not open: wrong key, wrong column, or a changed bit."""

    code = "DEP-01"
    user_message = (
        "Kayıtlı bir bilgi şu anda açılamıyor. Veriniz silinmedi; teknik ekibe haber verildi. "
        "Biraz sonra yeniden deneyin."
    )


class VaultUnavailable(EvidenceError):
    """The store did not take or give an object now (disk full, failing): hold, never pass (R-004, R-005)."""

    code = "DEP-02"
    status = 503
    temporary = True
    user_message = (
        "Saklama alanı şu anda yanıt vermiyor. İletiniz taslakta duruyor, hiçbir şey gönderilmedi. "
        "Birkaç dakika sonra yeniden deneyin."
    )


class VaultMissing(EvidenceError):
    """A row names an object the vault does not hold."""

    code = "DEP-03"
    user_message = "Bu içerik saklama alanında bulunamadı. Teknik ekibe haber verildi; delilleriniz ayrıca saklanır."


class VaultDamaged(EvidenceError):
    """An object of the vault is not what its name says."""

    code = "DEP-04"
    user_message = (
        "Bu içeriğin saklanan kopyası bozulmuş görünüyor ve gösterilmiyor. Teknik ekibe haber verildi; "
        "delilleriniz ayrıca saklanır."
    )


class KeyNotHere(EvidenceError):
    """This process may not open the işlem key: only the sealing worker may (design.md 1.5). A fault of ours."""

    code = "DEP-05"


class ClockAdrift(EvidenceError):
    """This machine's clock is further off than evidence allows: nothing is sealed until it is right again (R-040)."""

    code = "ZMD-03"
    status = 503
    temporary = True


class SealMismatch(EvidenceError):
    """Our own output did not pass our own check: it is not stored, and people must look (R-004)."""

    code = "DEP-06"
