"""The people of the demonstration (design.md 3): who they are, and what they may do. Their secrets are not here.

Every name is invented and every identity number only fits the algorithm (I-001). The first cast belongs to hs01,
the last two people to the peer hs02.
"""

from dataclasses import dataclass, field

from accounts.identity import check_digits


@dataclass(frozen=True)
class Office:
    """A person's operatorship for a legal person's account; `rights` are switches of `accounts.models.Operator`."""

    address: str
    title: str
    rights: frozenset[str]
    is_main: bool = False


@dataclass(frozen=True)
class Member:
    """One person. `address` is his own account, `office` the one he acts for; with a `post` neither."""

    slug: str
    role: str
    first_name: str
    last_name: str
    first_nine: str
    phone: str
    provider: str = "hs01"
    address: str = ""
    is_receive_only: bool = False
    is_listed: bool = False
    office: Office | None = None
    post: str = ""  # a role of `accounts.models.Post`: who serves for the provider

    @property
    def name(self) -> str:
        """Name and surname."""
        return f"{self.first_name} {self.last_name}"

    @property
    def tckn(self) -> str:
        """The whole identity number."""
        return self.first_nine + check_digits(self.first_nine)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address this person reads."""
        return tuple(address for address in (self.address, self.office and self.office.address) if address)


@dataclass(frozen=True)
class Counter:
    """A branch of the provider."""

    code: str
    name: str
    province: str


@dataclass(frozen=True)
class LegalPerson:
    """A company or a public body with one account."""

    name: str
    address: str
    provider: str = "hs01"
    is_public: bool = False
    numbers: dict[str, str] = field(default_factory=dict)


ALL_RIGHTS = frozenset(
    {
        "may_read",
        "may_compose",
        "may_sign_and_send",
        "may_send_tebligat",
        "may_read_tebligat",
        "may_archive",
        "may_delete",
        "may_see_balance",
        "may_manage_operators",
        "wants_sms",
    }
)
WRITER_RIGHTS = frozenset({"may_read", "may_compose"})

ANADOLU = "anadolu.makina@hs01.kep.tr"
CINAROVA = "cinarova.belediyesi@hs01.kep.tr"
GUNES = "gunes.lojistik@hs02.kep.tr"

LEGAL_PERSONS = (
    LegalPerson("Anadolu Makina Ltd. Şti.", ANADOLU, numbers={"mersis": "0555000111200018"}),
    LegalPerson("Çınarova Belediyesi", CINAROVA, is_public=True, numbers={"detsis": "24301785"}),
    LegalPerson("Güneş Lojistik A.Ş.", GUNES, provider="hs02", numbers={"mersis": "0400555001600015"}),
)

PEOPLE = (
    Member(
        "ayse-yildiz",
        "sender",
        "Ayşe",
        "Yıldız",
        "371500264",
        "+905550000112",
        address="ayse.yildiz@hs01.kep.tr",
        is_listed=True,
    ),
    Member(
        "hatice-koc",
        "receive_only",
        "Hatice",
        "Koç",
        "615204873",
        "+905550000123",
        address="hatice.koc@hs01.kep.tr",
        is_receive_only=True,
    ),
    Member(
        "mehmet-kaya",
        "main_operator",
        "Mehmet",
        "Kaya",
        "546372819",
        "+905550000147",
        office=Office(ANADOLU, "ana işlem yetkilisi", ALL_RIGHTS, is_main=True),
    ),
    Member(
        "elif-sahin",
        "sub_operator",
        "Elif",
        "Şahin",
        "284150645",
        "+905550000158",
        office=Office(ANADOLU, "alt yetkili", WRITER_RIGHTS),
    ),
    Member("zeynep-aydin", "branch_clerk", "Zeynep", "Aydın", "193847562", "+905550000161", post="clerk"),
    Member("burak-cetin", "branch_clerk", "Burak", "Çetin", "724063915", "+905550000172", post="clerk"),
    Member("selin-korkmaz", "back_office", "Selin", "Korkmaz", "418206537", "+905550000227", post="back_office"),
    Member("okan-tunc", "back_office", "Okan", "Tunç", "639571028", "+905550000238", post="back_office"),
    Member(
        "fatma-ozdemir",
        "municipality_operator",
        "Fatma",
        "Özdemir",
        "480951637",
        "+905550000183",
        office=Office(CINAROVA, "ana işlem yetkilisi", ALL_RIGHTS, is_main=True),
    ),
    Member(
        "deniz-arslan",
        "stranger",
        "Deniz",
        "Arslan",
        "856320174",
        "+905550000194",
        address="deniz.arslan@hs01.kep.tr",
    ),
    Member(
        "isil-dogan",
        "peer_person",
        "Işıl",
        "Doğan",
        "267418095",
        "+905550000205",
        provider="hs02",
        address="isil.dogan@hs02.kep.tr",
        is_listed=True,
    ),
    Member(
        "cem-acar",
        "peer_main_operator",
        "Cem",
        "Acar",
        "932057461",
        "+905550000216",
        provider="hs02",
        office=Office(GUNES, "ana işlem yetkilisi", ALL_RIGHTS, is_main=True),
    ),
)


BRANCH = Counter("cinarova-merkez", "Çınarova Merkez Şubesi", "Çınarova")
"""Where the clerks of the first provider serve; the peer has no counter."""


def people_of(provider: str) -> tuple[Member, ...]:
    """The people of one provider."""
    return tuple(member for member in PEOPLE if member.provider == provider)


def legal_persons_of(provider: str) -> tuple[LegalPerson, ...]:
    """The companies and public bodies of one provider."""
    return tuple(legal for legal in LEGAL_PERSONS if legal.provider == provider)
