"""Refusals at the counter of a branch (SBE). `NotServing` (SBE-01) stands with the posts."""

from ..errors import AccountsError


class DeskError(AccountsError):
    """Root of the counter's refusals."""


class NoSuchApplication(DeskError):
    """Unknown, or of another branch: both are answered alike (V-042)."""

    status = 404
    code = "SBE-02"
    user_message = (
        "Bu şubede böyle bir başvuru yok. Başvuru numarasını ya da T.C. kimlik numarasını denetleyin; "
        "başka bir şubede başlayan işlem o şubede sürer."
    )


class TakenElsewhere(DeskError):
    """The application found no branch yet a moment ago, and has one now."""

    status = 409
    code = "SBE-03"
    user_message = "Bu başvuru bu arada işleme alındı. Hiçbir şey değişmedi; başvuruyu yeniden arayın."


class WrongOrder(DeskError):
    """A step asked for before the steps it stands on, or one that is done (V-045)."""

    status = 409
    code = "SBE-04"
    user_message = "Adımlar sırayla yapılır ve her adım bir kez işlenir. Kaydedilenler duruyor; açık adımdan sürdürün."


class NotOpen(DeskError):
    """The application waits for nothing at the counter: rejected, withdrawn, active, or not handed in yet."""

    status = 409
    code = "SBE-05"
    user_message = "Bu başvuru gişede işlem beklemiyor. Durumu başvurunun sayfasında yazar."


class IdentityDiffers(DeskError):
    """What stands on the document is not what was applied with (K-025); which figure differs is not said."""

    status = 422
    code = "SBE-06"
    user_message = (
        "Belgedeki T.C. kimlik no başvurudakiyle aynı değil. Belgeye bakıp yeniden yazın; "
        "başka bir kişinin başvurusuysa bu başvuruyu reddedin ve yenisini açın."
    )


class DocumentExpired(DeskError):
    """The identity document is no longer valid on this day."""

    status = 422
    code = "SBE-07"
    user_message = "Kimlik belgesinin süresi dolmuş. Geçerli bir belge olmadan hesap açılamaz; başvuru bekler."


class PapersMissing(DeskError):
    """Not every paper of the checklist is there. Fact: `missing`, how many (K-021..K-024)."""

    status = 422
    code = "SBE-08"
    user_message = "{missing} belge eksik. Eksikleri tarayıp ekleyin ya da başvuruyu bekletin; eklenenler duruyor."


class NotAttested(DeskError):
    """A box that says what the clerk has seen was left empty; it is never checked beforehand."""

    status = 422
    code = "SBE-09"
    user_message = "Gördüğünüzü onaylayan kutuyu işaretlemeden adım tamamlanmaz."


class PhoneOnRecord(DeskError):
    """The person is known, or the address is allotted: the phone on record is changed by four eyes only (V-011)."""

    status = 409
    code = "SBE-10"
    user_message = (
        "Bu kişinin telefonu kayıtlı ve buradan değiştirilemez. "
        "Numara değiştiyse önce telefon değişikliği isteyin; ikinci bir personel onaylar."
    )


class CodeOfAnotherPhone(DeskError):
    """The code went to a number that is no longer the one being checked."""

    status = 409
    code = "SBE-11"
    user_message = "Bu kod başka bir numaraya gönderilmişti. Şimdiki numaraya yeni kod gönderin."


class ReasonMissing(DeskError):
    """A rejection without a reason (K-020)."""

    status = 422
    code = "SBE-12"
    user_message = "Reddin gerekçesini yazın; başvuran gerekçeyi durum sayfasında okur."


class TooLateToReject(DeskError):
    """An address was allotted: what remains is closing the account, by four eyes (K-032)."""

    status = 409
    code = "SBE-13"
    user_message = (
        "Bu başvuruya adres verildi, artık reddedilemez. Hesap açılmayacaksa hesabın kapatılmasını isteyin; "
        "ikinci bir personel onaylar."
    )


class DeskBusy(DeskError):
    """More looks or codes in an hour than a counter needs. Facts: `until` (aware), `at` (shown)."""

    status = 429
    code = "SBE-14"
    user_message = "Bir saat içinde çok sayıda sorgu ya da kod istendi. Saat {at} olduğunda sürdürebilirsiniz."
    temporary = True


class OwnApplication(DeskError):
    """A clerk who handles his own application (V-046)."""

    status = 403
    code = "SBE-15"
    user_message = "Kendi başvurunuzu siz işleyemezsiniz. Bir iş arkadaşınızdan isteyin."


class UnknownField(DeskError):
    """A field that nobody sends: the request was not made by our form (V-041)."""

    status = 400
    code = "SBE-16"
    user_message = "İstek bu sayfanın formundan gelmedi. Hiçbir şey değişmedi; sayfayı yenileyip yeniden deneyin."


class StepStays(DeskError):
    """A step that cannot be opened again: an address once given stays given (K-033)."""

    status = 409
    code = "SBE-17"
    user_message = "Verilen adres geri alınamaz ve değiştirilemez. Bu adım yeniden açılmaz."


class NameStays(DeskError):
    """The name or birth date on the document differs, and the account is open under the old one (K-030)."""

    status = 409
    code = "SBE-18"
    user_message = (
        "Hesap bu ad ve doğum tarihiyle açıldı; bu adımda değiştirilemez. "
        "Belgedeki bilgiler farklıysa adımı tamamlamayın ve yönetime bildirin."
    )
