"""Is this a qualified certificate of this very person? One reason for each thing that is wrong.

The profile of a nitelikli elektronik sertifika (5070 sayılı Kanun; S-001 to S-003) is checked on what the certificate
says; whether somebody we trust said so is `evidence.chain`, whether it was revoked `evidence.revocation`. All faults
are collected, always in the same order, so that the first is the one to show and a test can name any other. A
certificate may be many kinds of wrong at once: a mali mühür, for instance, also lacks the statements. Nothing here
reads a certificate or knows an object identifier: `evidence.trust` does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from evidence.trust import CertificateFacts


class Fault(Enum):
    """What can be wrong, in the order of report: code and Turkish sentence (what is wrong, what to do)."""

    AUTHORITY = ("NES-01", "Seçtiğiniz sertifika bir makam sertifikası; kişi imzası atamaz. Kendi sertifikanızı seçin.")
    SEAL = (
        "NES-02",
        "Seçtiğiniz sertifika bir kurumun mührü (mali mühür ya da e-mühür); kişi imzası yerine geçmez. "
        "Kendi e-imza sertifikanızı seçin.",
    )
    NOT_A_PERSONS = (
        "NES-03",
        "Seçtiğiniz sertifika bir kişiye verilmiş nitelikli elektronik sertifika değil. "
        "Kendi e-imza sertifikanızı seçin.",
    )
    NO_NON_REPUDIATION = (
        "NES-04",
        "Sertifikanın anahtar kullanımında inkâr edilemezlik yok; bununla imza atılamaz. "
        "E-imza için verilmiş sertifikanızı seçin.",
    )
    KEY_USAGE_NOT_CRITICAL = (
        "NES-05",
        "Sertifikanın anahtar kullanımı kritik işaretlenmemiş; nitelikli sertifika profiline uymuyor. "
        "Sertifikanızı veren kuruluşa başvurun.",
    )
    NO_USER_NOTICE = (
        "NES-06",
        "Sertifikada nitelikli sertifika olduğunu bildiren kullanıcı notu yok. Sertifikanızı veren kuruluşa başvurun.",
    )
    NO_ETSI_STATEMENT = (
        "NES-07",
        "Sertifikada nitelikli sertifika ibaresi (ETSI) yok. Sertifikanızı veren kuruluşa başvurun.",
    )
    NO_BTK_STATEMENT = (
        "NES-08",
        "Sertifikada 5070 sayılı Kanuna uygunluk ibaresi (BTK) yok. Sertifikanızı veren kuruluşa başvurun.",
    )
    NOT_YET_VALID = ("NES-09", "Sertifikanın geçerlilik süresi henüz başlamamış. Bilgisayarınızın saatini denetleyin.")
    EXPIRED = ("NES-10", "Sertifikanın süresi dolmuş. Yenilenmiş sertifikanızla imzalayın.")
    NO_IDENTITY_NUMBER = (
        "NES-11",
        "Sertifikada T.C. kimlik numarası okunamadı. Sertifikanızı veren kuruluşa başvurun.",
    )
    ANOTHER_PERSON = (
        "NES-12",
        "Sertifika başka bir kişiye ait: T.C. kimlik numarası oturumu açan kişininkiyle aynı değil. "
        "Kendi sertifikanızı seçin.",
    )
    WEAK = (
        "NES-13",
        "Sertifikanın anahtarı ya da imza algoritması artık yeterince güçlü sayılmıyor. Sertifikanızı yenileyin.",
    )
    RESTRICTED_USE = (
        "NES-14",
        "Sertifikanın kullanımı belge imzalamayı kapsamayacak biçimde kısıtlanmış. E-imza için verilmiş "
        "sertifikanızı seçin.",
    )
    LIMIT = (
        "NES-15",
        "Sertifikanın işlem sınırı sıfır; bununla yükümlülük doğuran imza atılamaz. "
        "Sınırı olmayan bir sertifikayla imzalayın.",
    )
    NO_REVOCATION_SOURCE = (
        "NES-16",
        "Sertifikada iptal durumunun sorulacağı adres yok. Sertifikanızı veren kuruluşa başvurun.",
    )


@dataclass(frozen=True)
class ProfileFault:
    """One thing that is wrong: `code` for the help desk, `text_tr` for the person, `fault` for the program."""

    fault: Fault

    @property
    def code(self) -> str:
        """The stable code, such as `NES-12`."""
        return self.fault.value[0]

    @property
    def text_tr(self) -> str:
        """The Turkish sentence, without any name or number in it."""
        return self.fault.value[1]


def qualified(facts: CertificateFacts, *, tckn: str, at: datetime) -> tuple[ProfileFault, ...]:
    """Every fault of `facts` as the qualified certificate of the person with this `tckn` at the moment `at`.

    Empty means it fits. `tckn` is eleven digits, `at` has a time zone (ValueError otherwise: a caller's fault).
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a zone proves nothing")
    if len(tckn) != 11 or not (tckn.isascii() and tckn.isdigit()):
        raise ValueError("not an identity number")
    return tuple(ProfileFault(fault) for fault, is_wrong in _RULES.items() if is_wrong(facts, tckn, at))


_RULES: dict[Fault, Callable[[CertificateFacts, str, datetime], bool]] = {
    Fault.AUTHORITY: lambda facts, tckn, at: facts.is_ca,
    Fault.SEAL: lambda facts, tckn, at: facts.is_seal,
    Fault.NOT_A_PERSONS: lambda facts, tckn, at: not facts.is_persons and not facts.is_seal,
    Fault.NO_NON_REPUDIATION: lambda facts, tckn, at: "nonRepudiation" not in facts.key_usage,
    Fault.KEY_USAGE_NOT_CRITICAL: lambda facts, tckn, at: bool(facts.key_usage) and not facts.key_usage_critical,
    Fault.NO_USER_NOTICE: lambda facts, tckn, at: not facts.user_notices,
    Fault.NO_ETSI_STATEMENT: lambda facts, tckn, at: not facts.has_etsi_statement,
    Fault.NO_BTK_STATEMENT: lambda facts, tckn, at: not facts.has_btk_statement,
    Fault.NOT_YET_VALID: lambda facts, tckn, at: at < facts.not_before,
    Fault.EXPIRED: lambda facts, tckn, at: at > facts.not_after,
    Fault.NO_IDENTITY_NUMBER: lambda facts, tckn, at: facts.tckn is None,
    Fault.ANOTHER_PERSON: lambda facts, tckn, at: facts.tckn is not None and facts.tckn != tckn,
    Fault.WEAK: lambda facts, tckn, at: not facts.is_strong,
    Fault.RESTRICTED_USE: lambda facts, tckn, at: not facts.may_sign_documents,
    Fault.LIMIT: lambda facts, tckn, at: facts.is_limit_refused,
    Fault.NO_REVOCATION_SOURCE: lambda facts, tckn, at: not facts.ocsp_urls and not facts.crl_urls,
}
