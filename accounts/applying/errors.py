"""Refusals of the application, for applicants and for the desk alike (design.md 6). Their codes begin with BSV."""

from ..errors import AccountsError


class ApplyingError(AccountsError):
    """Root of the refusals of an application."""


class IllegalApplicationStep(ApplyingError):
    """The table of K-020 knows no such step from the application's state. Facts: `state`, `event`."""

    status = 409
    code = "BSV-01"
    user_message = (
        "Başvuru bu adım için uygun durumda değil. Başvuruda hiçbir şey değişmedi. "
        "Sayfayı yenileyip başvurunun son durumuna bakın."
    )


class StaleApplication(ApplyingError):
    """Somebody else moved the application meanwhile."""

    status = 409
    code = "BSV-02"
    user_message = (
        "Başvuru bu sırada başka bir işlemle ilerledi. Sizin işleminiz yapılmadı. "
        "Sayfayı yenileyip başvurunun son durumuna bakın."
    )


class PaperEmpty(ApplyingError):
    """A file without a byte in it."""

    status = 422
    code = "BSV-10"
    user_message = "Seçtiğiniz dosya boş. Belgeyi yeniden tarayıp ya da kaydedip bir daha seçin."


class PaperTooLarge(ApplyingError):
    """A paper over the limit. Facts: `limit`, in megabytes."""

    status = 422
    code = "BSV-11"
    user_message = "Dosya {limit} MB sınırını aşıyor. Yüklenmedi; önceki belgeleriniz duruyor. Daha küçük tarayın."


class PaperKindRefused(ApplyingError):
    """The bytes are no whole PDF, JPEG or PNG, whatever the name says."""

    status = 422
    code = "BSV-12"
    user_message = (
        "Dosyanın içeriği PDF, JPEG ya da PNG değil veya dosya bozuk. Yüklenmedi; önceki belgeleriniz duruyor. "
        "Belgeyi bu biçimlerden biriyle kaydedip yeniden yükleyin."
    )


class TooManyPapers(ApplyingError):
    """The subject has as many papers as it may have. Facts: `most`."""

    status = 422
    code = "BSV-13"
    user_message = (
        "En çok {most} belge yüklenebilir. Yeni belge yüklenmedi, öncekiler duruyor. Birini kaldırıp yeniden deneyin."
    )


class UnknownPaper(ApplyingError):
    """No such paper of this subject: never there, another's, or withdrawn (V-042)."""

    status = 404
    code = "BSV-14"
    user_message = "Böyle bir belge yok ya da kaldırılmış. Belge listesine dönüp yeniden deneyin."


class PaperNotTaken(ApplyingError):
    """Papers are taken and taken back only until somebody decides on the application."""

    status = 409
    code = "BSV-15"
    user_message = (
        "Bu başvuru için belge artık eklenemez ve kaldırılamaz. Yüklenmiş belgeler duruyor. "
        "Eksik bir belge varsa şubeye götürün."
    )
