"""The application as a text, which its applicant signs by e-imza in place of form, undertaking and copies (K-022).

The same draft always gives the same text, so that what was signed can be compared with what is sent: no clock, no
language of the reader, no order that could change. It is Turkish, like everything that is kept, and says everything
that the form says and everything that the undertaking binds to. The signer shows it as it is.
"""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from ..identity import COMPANY_TITLES, CompanyType, shown_mersis
from ..models import Application, KepAccount
from .legal import LegalPerson, legal_of

_KINDS: Final = {
    Application.Kind.NATURAL: "Gerçek kişi",
    Application.Kind.PRIVATE_LEGAL: "Özel hukuk tüzel kişisi",
    Application.Kind.PUBLIC_LEGAL: "Kamu tüzel kişisi",
    Application.Kind.MEMBER: "Kurumsal başvuru kapsamında gerçek kişi",
}
_MODES: Final = {
    KepAccount.Mode.RECEIVE_ONLY: "Sadece alıcı",
    KepAccount.Mode.SEND_AND_RECEIVE: "Gönderici ve alıcı",
}
_UNDERTAKING: Final = (
    "Başvuruda verdiğim bilgiler doğrudur; değişiklikleri gecikmeden bildiririm.",
    "Parola, şifre ve SMS kodlarını kimseyle paylaşmam; hesabı başkasına devretmem ve kullandırmam.",
    "Hesaba gelen iletilerin okuma süresi sonunda okunmuş sayılacağını biliyorum; kutumu düzenli izlerim.",
    "Kabul delili oluşan iletinin geri alınamayacağını biliyorum.",
    "Adresin tahsisinden sonra başkasına verilmeyeceğini biliyorum.",
    "KEP uygulama esaslarını, koşulları ve kişisel verilere ilişkin aydınlatma metnini okudum.",
)


def text_of(application: Application) -> str:
    """The whole statement, line by line. Every value stands in a line of its own after its name."""
    lines = [
        "KAYITLI ELEKTRONİK POSTA HESABI BAŞVURUSU VE TAAHHÜTNAMESİ",
        "",
        *(f"{name}: {value}" for name, value in _facts(application)),
        "",
        "Taahhüt ederim:",
        *(f"{number}. {sentence}" for number, sentence in enumerate(_UNDERTAKING, 1)),
    ]
    return "\n".join(lines) + "\n"


def _facts(application: Application) -> Iterator[tuple[str, str]]:
    yield "Hizmet sağlayıcı", settings.KEP_PROVIDER_NAME
    yield "Başvuru no", application.number
    yield "Başvuru türü", _KINDS[Application.Kind(application.kind)]
    legal = legal_of(application)
    if legal is not None:
        yield from _legal_facts(legal)
        yield "Ana işlem yetkilisi", f"{application.first_name} {application.last_name}"
    else:
        yield "Başvuran", f"{application.first_name} {application.last_name}"
    yield "T.C. kimlik no", application.tckn
    yield "Doğum tarihi", application.birth_date or "-"
    yield "Cep telefonu", application.phone
    yield "E-posta", application.email or "-"
    yield "İstenen KEP adresi", application.wanted_address
    yield "Hizmet biçimi", _MODES[KepAccount.Mode(application.mode)]
    yield "SMS ile haber", _yes(application.wants_sms)
    yield "E-posta ile haber", _yes(application.wants_email)
    yield "Elektronik tebligat", _yes(application.takes_tebligat)
    yield "KEP rehberinde görünme", _yes(application.listed)
    yield "Şube", application.branch.name if application.branch else "-"


def _legal_facts(legal: LegalPerson) -> Iterator[tuple[str, str]]:
    yield "Unvan", legal.name
    if legal.company_type:
        yield "Türü", COMPANY_TITLES[CompanyType(legal.company_type)]
    for name, value in (
        ("MERSİS no", shown_mersis(legal.mersis) if legal.mersis else ""),
        ("Vergi kimlik no", legal.vkn),
        ("DETSİS no", legal.detsis),
        ("Ticaret sicil no", legal.registry_no),
        ("Ticaret sicil müdürlüğü", legal.registry_office),
        ("Faaliyet alanı", legal.activity),
        ("İl", legal.province),
        ("Adres", legal.postal_address),
    ):
        if value:
            yield name, value


def _yes(value: bool) -> str:
    return "evet" if value else "hayır"
