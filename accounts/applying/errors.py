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


class DetailRefused(ApplyingError):
    """A field of the form that cannot be taken; `why` says in Turkish what is wrong."""

    status = 422
    code = "BSV-20"
    user_message = "{why}"
    sentences = frozenset({"why"})


class NotADraft(ApplyingError):
    """What was applied for can be changed until it is sent, and not afterwards."""

    status = 409
    code = "BSV-21"
    user_message = (
        "Başvuru gönderildiği için bilgileri buradan değiştirilemez. Gönderdiğiniz bilgiler duruyor; "
        "düzeltmeyi şubede isteyin."
    )


class StepSkipped(ApplyingError):
    """A step asked for before the one it stands on (V-045). `why` names in Turkish what comes first."""

    status = 409
    code = "BSV-22"
    user_message = "Bu adımdan önce tamamlanması gereken bir adım var: {why} Girdiğiniz bilgiler duruyor."
    sentences = frozenset({"why"})


class NoApplication(ApplyingError):
    """This browser has no application open: never had, or not for half an hour (V-042)."""

    status = 403
    code = "BSV-23"
    user_message = (
        "Bu tarayıcıda açık bir başvuru yok ya da uzun süre işlem yapılmadı. Bilgileriniz duruyor; "
        "başvuru numaranız ve telefonunuza gelecek kodla başvurunuzu yeniden açın."
    )


class NoBranch(ApplyingError):
    """The branch that was chosen is closed, or never was."""

    status = 422
    code = "BSV-24"
    user_message = "Seçtiğiniz şube başvuru almıyor. Bilgileriniz duruyor; listeden başka bir şube seçin."


class TooManyFromHere(ApplyingError):
    """An open door was used too often from one network. Facts: `until` (aware), `at` (shown)."""

    status = 429
    code = "BSV-25"
    user_message = (
        "Bulunduğunuz ağdan kısa sürede çok sayıda istek geldi. Girdiğiniz bilgiler duruyor; "
        "saat {at} olduğunda yeniden deneyebilirsiniz."
    )
    temporary = True


class CodeNotForApplication(ApplyingError):
    """The one answer to a wrong number and a wrong code of the status page (V-008)."""

    status = 422
    code = "BSV-26"
    user_message = (
        "Başvuru numarası ile kod birlikte doğrulanamadı. İkisini de denetleyin; "
        "kodun süresi dolduysa yeni bir kod isteyin."
    )


class SignedOtherwise(ApplyingError):
    """The draft was changed after its applicant had signed it by e-imza."""

    status = 409
    code = "BSV-28"
    user_message = (
        "Başvuru e-imzadan sonra değişti; imza bu haline ait değil. Başvurunuz duruyor ve gönderilmedi. "
        "Belgeler adımında yeniden imzalayın."
    )


class BulkNotAllowed(ApplyingError):
    """Only a main operator who may manage operators applies for the people of a legal person (K-043)."""

    status = 403
    code = "BSV-30"
    user_message = (
        "Toplu başvuruyu, tüzel kişinin yetkili yönetme hakkı olan ana işlem yetkilisi yapar. "
        "Hesap değiştirerek tüzel kişiyi seçin ya da ana yetkilinize başvurun."
    )


class SheetRefused(ApplyingError):
    """A file that is no list at all; `why` says in Turkish what is wrong with it."""

    status = 422
    code = "BSV-31"
    user_message = "Liste okunamadı: {why} Hiçbir başvuru oluşturulmadı."
    sentences = frozenset({"why"})


class RowsRefused(ApplyingError):
    """Some rows have findings, and then no row is taken. Facts: `findings`, a tuple; `count`."""

    status = 422
    code = "BSV-32"
    user_message = "Listede {count} bulgu var. Hiçbir başvuru oluşturulmadı; listeyi düzeltip yeniden yükleyin."


class NoSuchBatch(ApplyingError):
    """No such list of this account that could still be sent (V-042)."""

    status = 404
    code = "BSV-33"
    user_message = "Gönderilmeyi bekleyen böyle bir liste yok. Listeyi yeniden yükleyin."
