"""Refusals a person can meet while writing, sending and reading. What is safe is always said (design.md 6)."""

from guards.errors import KepError


class MailboxError(KepError):
    """Root of this floor's refusals."""


class StaleState(MailboxError):
    """The row is no longer in the state this step starts from: somebody else took the step first."""

    status = 409
    code = "ILT-01"
    user_message = "Bu ileti bu arada başka bir adımla ilerledi. Sayfayı yenileyip güncel durumu görün."


class QueueFull(MailboxError):
    """More work waits than can be done in time: nothing new is let in for the moment (R-018)."""

    status = 503
    temporary = True
    retry_after = 60
    code = "ILT-13"
    user_message = (
        "Şu anda işlenmeyi bekleyen çok sayıda ileti var; bu yüzden yeni gönderim kısa bir süre alınmıyor. İletiniz "
        "taslakta duruyor, hiçbir şey gönderilmedi. Birkaç dakika sonra yeniden deneyin."
    )


class IllegalStep(MailboxError):
    """A (state, event) pair that the law does not know. A fault of ours, never of a person."""

    code = "ILT-00"


class NotYours(MailboxError):
    """No such item for this person and account. One text for "does not exist" and "belongs to another" (V-042)."""

    status = 404
    code = "ILT-04"
    user_message = "Bu ileti bulunamadı ya da bu hesapla görüntülenemiyor."


class MayNotSend(MailboxError):
    """The account or the person has no right to send (K-011, K-012, K-089)."""

    status = 403
    code = "YTK-01"
    user_message = (
        "Bu hesapla ileti gönderme yetkiniz yok. Yalnızca alıcı olarak açılan hesaplar ileti gönderemez; "
        "gönderim yetkisini hesabın ana işlem yetkilisi verir."
    )


class MayNotRead(MailboxError):
    """The person may act for the account, but not read (K-131)."""

    status = 403
    code = "YTK-02"
    user_message = "Bu hesapta ileti okuma yetkiniz yok. Yetkiyi hesabın ana işlem yetkilisi verir."


class NoRecipient(MailboxError):
    """To is compulsory (K-087)."""

    code = "ALC-01"
    user_message = "En az bir alıcı yazın. İletiniz taslakta duruyor."


class RecipientRefused(MailboxError):
    """One or more addresses cannot take this message; `refusals` lists (address, code, sentence)."""

    code = "ALC-04"
    user_message = (
        "Bu adrese gönderim yapılamıyor: {addresses}. Yazımı denetleyin ya da rehberden seçin. "
        "İletiniz taslakta duruyor."
    )


class TooManyRecipients(MailboxError):
    """More addresses than one message may have. Fact: `limit`."""

    status = 422
    code = "ALC-09"
    user_message = (
        "Bir iletiye en çok {limit} alıcı yazılabilir. İlk {limit} adres taslakta duruyor; kalanlara ayrı ileti "
        "hazırlayın."
    )


class NoSubject(MailboxError):
    """A message without a subject is not sent: the recipient could not tell what arrived."""

    code = "ILT-05"
    user_message = "Konu yazın. İletiniz taslakta duruyor."


class DraftChanged(MailboxError):
    """What was signed is no longer what the draft says: the signature is not used."""

    status = 409
    code = "IMZ-20"
    user_message = (
        "İmza beklenirken taslak değişti; alınan imza kullanılmadı, hiçbir şey gönderilmedi. "
        "Taslağı gözden geçirip yeniden imzalayın."
    )


class SignInEnded(MailboxError):
    """The visit that asked for the signature had ended before the signature came."""

    code = "GRS-10"
    user_message = "Oturumunuz imzadan önce sona erdi; hiçbir şey gönderilmedi. Giriş yapıp taslağı yeniden imzalayın."


class AccountStopped(MailboxError):
    """The account was suspended or closed while a signature was asked for it: the signature is not used."""

    status = 409
    code = "KPT-09"
    user_message = (
        "Hesap askıya alındığı ya da kapatıldığı için imza isteği iptal edildi; hiçbir şey gönderilmedi. "
        "Taslağınız duruyor."
    )


class Returned(MailboxError):
    """The message waited in CHECKING for 24 hours, or right or account went away: it came back as a draft."""

    code = "ILT-07"
    user_message = (
        "İletiniz gönderilemeden taslağa döndü. Hiçbir delil oluşmadı; taslağınızı yeniden imzalayabilirsiniz."
    )


class NotReadYet(MailboxError):
    """Unread content leaves by no other door than opening (design.md 6)."""

    status = 409
    code = "ILT-08"
    user_message = "Bu ileti henüz açılmadı. İndirmek için önce iletiyi açın; açınca okundu delili oluşur."


class ProofNotThere(MailboxError):
    """The asked proof does not exist, or is not sealed yet."""

    status = 404
    code = "DLL-01"
    user_message = "Bu delil henüz oluşmadı. Oluştuğunda ileti sayfasında görünür."
