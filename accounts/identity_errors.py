"""Refusals of identifiers and addresses while an account is opened (codes KIM, ADR). No Django here."""

from guards.spoken import gettext_noop

from .errors import AccountsError

__all__ = [
    "AddressNotAllowed",
    "AddressTaken",
    "AlreadyAllotted",
    "IdentifierRefused",
    "NameRefused",
    "NotApproved",
    "Why",
]


class IdentifierRefused(AccountsError):
    """Not a VKN, MERSİS, DETSİS or registry number by form (I-007..I-013). Fact `why`: the rule, in Turkish."""

    status = 422
    code = "KIM-01"
    user_message = "{why}"
    sentences = frozenset({"why"})


class NameRefused(AccountsError):
    """Not a name as the population register writes it: letters of one script, no digits, no hidden signs (V-010)."""

    status = 422
    code = "KIM-02"
    user_message = (
        "Ad ve soyadı kimlik belgesinde yazdığı gibi, Latin harfleriyle yazın; "
        "rakam ve işaret kullanmayın. En çok 80 harf olabilir."
    )


class NotApproved(AccountsError):
    """An address was asked for an application that is not approved: identity is not established yet (K-020, K-025)."""

    status = 409
    code = "KIM-03"
    user_message = (
        "Bu başvuru onaylanmadığı için adres verilemez. Başvuruda hiçbir şey değişmedi; "
        "önce kimlik ve belge adımlarını tamamlayıp başvuruyu onaylayın."
    )


class AlreadyAllotted(AccountsError):
    """The application has its account already: a second address needs an application of its own."""

    status = 409
    code = "KIM-04"
    user_message = "Bu başvuruya adres daha önce verildi. Verilen adres değişmedi; yeni adres için yeni başvuru alın."


class AddressNotAllowed(AccountsError):
    """An address of right form that this holder may not have (K-040..K-050, I-022). Fact `why`, one of `Why`."""

    status = 422
    code = "ADR-02"
    user_message = "Bu adres verilemez: {why}"
    sentences = frozenset({"why"})


class AddressTaken(AccountsError):
    """Somebody has this address, or had it once: no address is ever given again (K-033, I-022)."""

    status = 409
    code = "ADR-03"
    user_message = (
        "Bu adres kullanımda ya da daha önce kullanıldı; adresler bir daha verilmez. "
        "Başka bir adres seçin; başvuru bilgileriniz duruyor."
    )


class Why:
    """Why an address is not allowed, as the rest of a Turkish sentence."""

    RESERVED = gettext_noop("bu ad hizmetin kendisine ayrılmıştır.")
    HOLDS_A_TCKN = gettext_noop("adreste T.C. kimlik no bulunamaz.")
    OTHER_PROVIDER = gettext_noop("adres başka bir hizmet sağlayıcının alanındadır.")
    NATURAL_DOMAIN = gettext_noop("gerçek kişilerin adresi doğrudan hizmet sağlayıcının alanında olur.")
    ENTITY_DOMAIN_NEEDED = gettext_noop("kurumsal başvuruda adres kurumun kendi alan adıyla biter.")
    OTHER_ENTITY = gettext_noop("bu alan adı başka bir kuruma aittir.")
    NOT_THE_NAME = gettext_noop("adres ad ve soyaddan oluşur; soyad tam yazılır.")
    NOT_THE_ENTITY = gettext_noop("adres MERSİS numarasından ya da kurumun adından oluşur.")
    NOT_THE_MERSIS = gettext_noop("adresteki MERSİS numarası kurumun doğrulanmış numarası değildir.")
    SUFFIX = gettext_noop("ek yalnızca harf ve rakamdan oluşur ve bir noktayla ayrılır.")
