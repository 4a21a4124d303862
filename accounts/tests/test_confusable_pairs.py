"""V-009, V-010: more than a thousand pairs of texts that look or fold alike, and no account is reached by two roads.

A road is anything that takes what somebody typed to an account or a person: reading an address or a number, asking
whether an address is free, allotting it, looking it up in the directory, activating, signing in. Of each pair the plain
text is somebody's. The other text must be refused by every road, or be the very same canonical text, which only the
ASCII capital letters of an address are. The pairs are made from the Unicode tables of this Python, so that every sign
that some normal form, case mapping or common habit turns into an ASCII letter, digit, dot or at sign is among them.
"""

import functools
import unicodedata

import pytest
from django.test import Client

from accounts import activation, allotment, persons
from accounts.errors import AddressRefused, PhoneRefused, TcknRefused
from accounts.folding import fold_name, turkish_lower, turkish_upper
from accounts.identity import read_address, read_mersis, read_mobile, read_tckn, read_vkn
from accounts.identity_errors import AddressTaken, IdentifierRefused
from accounts.life_errors import ActivationRefused
from accounts.models import AccountHolder, KepAccount, Person
from accounts.tests.approved import make_application
from accounts.tests.cast import PASSWORD, PIN, make_account, make_person, new_tckn, post_secrets, texts
from accounts.tests.conftest import NOON

ADDRESS = "kisil.sahin.0123456789@hs01.kep.tr"
"""Holds every digit and the letters whose look-alikes are attacks: k, i, s, l, h, a, n, p, r, t, e."""
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
HOMOGLYPHS = {
    "a": "\u0430\u03b1\u0251\u1d00", "e": "\u0435\u04bd\u1d07", "o": "\u043e\u03bf\u0585\u1d0f", "p": "\u0440\u03c1",
    "c": "\u0441\u03f2\u1d04", "x": "\u0445\u03c7", "y": "\u0443\u03b3\u1e9f", "i": "\u0456\u03b9\u0131\u1d09",
    "j": "\u0458\u03f3", "s": "\u0455\ua731", "h": "\u04bb\u0570", "k": "\u043a\u03ba\u212a", "n": "\u0578\u0438",
    "l": "\u04cf\u05c0\u01c0\u2113", "r": "\u0433\u1d26", "t": "\u0442\u03c4", "u": "\u057d\u03c5", "v": "\u03bd\u0475",
    "0": "\u041e\u039f\u06f0", "1": "\u0661\u06f1\u04c0", "3": "\u0417\u04e0", "6": "\u0431", "8": "\u0222",
}  # fmt: skip
"""Letters of other scripts that no normal form brings home: they only look so."""
UNSEEN = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
    "\u2068\u2069\ufe00\ufe0f\U000e0020\U000e0061\u115f\u3164\u00a0\u2007\u202f\u3000\u0307\u0327\u0306\u0308\u0302"
)
"""Signs that show nothing, turn the line round, are blanks of another kind, or sit upon their neighbour."""
DOTS, ATS = "\u3002\uff0e\uff61\u2024\u06d4\u00b7\u0589", "\uff20\ufe6b"


def folds_home(char: str) -> str:
    """The ASCII letter or digit that some mapping makes of this character; empty where none does."""
    forms = (
        unicodedata.normalize("NFKC", char), unicodedata.normalize("NFKD", char), char.lower(), char.upper().lower(),
        char.casefold(), turkish_lower(char), turkish_upper(char).lower(), fold_name(char),
        "".join(each for each in unicodedata.normalize("NFKD", char) if not unicodedata.combining(each)),
    )  # fmt: skip
    found = (form.lower() for form in forms if len(form) == 1 and form.isascii() and form.isalnum())
    return next(found, "")


@functools.cache
def twins() -> tuple[tuple[str, str], ...]:
    """(ASCII letter or digit, another character that is taken for it)."""
    found = []
    for char in map(chr, range(0x80, 0x11_0000)):
        category = unicodedata.category(char)
        if category in ("Cn", "Co", "Cs") or (category == "Lo" and ord(char) >= 0x3000):
            continue  # unassigned, private, half a character; ideographs and syllables are no Latin letter
        if home := folds_home(char):
            found.append((home, char))
        elif category == "Nd":
            found.append((str(unicodedata.decimal(char)), char))
    return (*found, *((letter, other) for letter, others in HOMOGLYPHS.items() for other in others))


@functools.cache
def address_pairs() -> list[tuple[str, str]]:
    """(somebody's address, a text that looks or folds like it)."""
    plain = {letter: f"k{letter}l.sahin@hs01.kep.tr" for letter in LETTERS}
    pairs = [(plain[letter], f"k{other}l.sahin@hs01.kep.tr") for letter, other in twins()]
    for nth, sign in enumerate(UNSEEN):
        at = 1 + nth % (len(ADDRESS) - 1)
        pairs.append((ADDRESS, ADDRESS[:at] + sign + ADDRESS[at:]))
    pairs += [(ADDRESS, ADDRESS + sign) for sign in UNSEEN] + [(ADDRESS, sign + ADDRESS) for sign in UNSEEN]
    pairs += [(ADDRESS, ADDRESS.replace(".", dot)) for dot in DOTS]
    pairs += [(ADDRESS, ADDRESS.replace(".kep.tr", f"{dot}kep.tr")) for dot in DOTS]
    pairs += [(ADDRESS, ADDRESS.replace("@", at)) for at in ATS]
    pairs += [(ADDRESS, unicodedata.normalize(form, turkish_upper(ADDRESS))) for form in ("NFC", "NFD")]
    pairs += [("kisil.sahin@hs01.kep.tr", f"{each}.sahin@hs01.kep.tr") for each in ("kişil", "kışıl", "KİŞİL", "kısıl")]
    pairs += [("strasse.a@hs01.kep.tr", "straße.a@hs01.kep.tr"), ("strasse.a@hs01.kep.tr", "STRAẞE.a@hs01.kep.tr")]
    pairs += [("fi.a@hs01.kep.tr", "\ufb01.a@hs01.kep.tr"), ("ae.a@hs01.kep.tr", "\u00e6.a@hs01.kep.tr")]
    return [(one, other) for one, other in dict.fromkeys(pairs) if one != other]


def number_pairs(number: str) -> list[tuple[str, str]]:
    """(somebody's number, the same with one digit of another script, or with signs nobody sees)."""
    places = range(len(number))
    pairs = [(number, number[:at] + other + number[at + 1 :]) for digit, other in twins() for at in places
             if number[at] == digit]  # fmt: skip
    pairs += [(number, number[:at] + sign + number[at:]) for sign in UNSEEN for at in places[1:]]
    return pairs


def test_there_are_more_than_a_thousand_pairs_of_each_kind() -> None:
    assert len(address_pairs()) > 2_000
    assert len(set(address_pairs())) == len(address_pairs())
    assert len(number_pairs("54637281950")) > 1_000
    for letter in LETTERS:
        assert any(one == f"k{letter}l.sahin@hs01.kep.tr" for one, _ in address_pairs()), letter


@pytest.mark.django_db
def test_no_pair_reaches_one_account_by_two_roads() -> None:
    """Reading, asking, listing in the database: whichever text is not the canonical one reaches nothing."""
    owners = {one for one, _ in address_pairs()}
    for number, address in enumerate(sorted(owners)):
        make_account(address, holder=f"Sahip {number}")
    rows = KepAccount.objects.in_bulk(sorted(owners), field_name="address")
    assert set(rows) == owners
    reached = 0
    for one, other in address_pairs():
        assert str(read_address(one)) == one
        with pytest.raises(AddressRefused):
            read_address(other)
        assert not allotment.is_free(other), "a text that is no address is free for nobody"
        reached += 1
    asked = sorted({other for _, other in address_pairs()})
    for at in range(0, len(asked), 500):
        assert not KepAccount.objects.filter(address__in=asked[at : at + 500]).exists(), "the database folds nothing"
    assert reached == len(address_pairs()) > 1_000


@pytest.mark.django_db
def test_no_second_account_comes_into_being_beside_its_look_alike() -> None:
    """Creation that collides is refused: by its form, or because the canonical address is somebody's."""
    make_account("kisil.sahin@hs01.kep.tr", holder=make_person("Kişil", "Şahin"))
    application = make_application("Kışıl", "Şahin")
    tried = 0
    for one, other in address_pairs():
        wanted = other.replace(one.partition("@")[0], "kisil.sahin") if one == ADDRESS else other
        with pytest.raises(AddressRefused):
            allotment.allot(application, wanted, now=NOON, actor="system", branch="")
        tried += 1
    for capitals in ("KISIL.SAHIN@hs01.kep.tr", "Kisil.Sahin@HS01.KEP.TR", "kisil.sahin@hs01.kep.tr"):
        with pytest.raises(AddressTaken):
            allotment.allot(application, capitals, now=NOON, actor="system", branch="")
    assert KepAccount.objects.count() == 1
    assert tried > 1_000


@pytest.mark.django_db
def test_namesakes_by_folding_get_addresses_of_their_own() -> None:
    """Işıl, Işil, İşıl, isil, in both compositions: one fold, and every one of them another account."""
    spellings = [
        unicodedata.normalize(form, spelling)
        for spelling in ("Işıl", "Işil", "İşıl", "İşil", "Isil", "Isıl", "İsil", "işil", "ışıl", "IŞIL", "İŞİL", "ISIL")
        for form in ("NFC", "NFD")
    ]
    given = []
    for spelling in spellings:
        application = make_application(spelling, "Doğan")
        offered = allotment.proposals_for(application)
        given.append(allotment.allot(application, offered[0], now=NOON, actor="system", branch="").address)
    assert given[0] == "isil.dogan@hs01.kep.tr"
    assert len(set(given)) == len(spellings) == KepAccount.objects.count()
    assert all(address.startswith("isil.dogan") for address in given)


@pytest.mark.parametrize(
    ("number", "read", "refusal"),
    [
        ("54637281950", read_tckn, TcknRefused),
        ("1234567890", read_vkn, IdentifierRefused),
        ("0123456789000001", read_mersis, IdentifierRefused),
        ("+905321476890", read_mobile, PhoneRefused),
    ],
)
def test_a_number_is_read_in_ascii_digits_or_not_at_all(number: str, read: object, refusal: type[Exception]) -> None:
    assert callable(read)
    pairs = number_pairs(number)
    assert len(pairs) > 1_000
    assert read(number) == number
    for _, other in pairs:
        with pytest.raises(refusal):
            read(other)


@pytest.mark.django_db
def test_no_look_alike_of_a_number_finds_its_person() -> None:
    person = make_person(tckn="54637281950")
    indexes = {persons.tckn_index(other) for _, other in number_pairs(person.tckn)}
    assert persons.tckn_index(person.tckn) not in indexes
    assert len(indexes) > 1_000
    known = sorted(indexes)
    for at in range(0, len(known), 500):
        assert not Person.objects.filter(tckn_index__in=known[at : at + 500]).exists()


@pytest.mark.django_db
def test_the_door_takes_no_look_alike_of_a_number(client: Client) -> None:
    """A sample through the form itself; nothing is sent to the person's phone."""
    person = make_person(tckn="54637281950")
    pairs = number_pairs(person.tckn)
    for _, other in pairs[:: len(pairs) // 40]:
        assert post_secrets(client, other).status_code == 422
    assert texts(person) == []


@pytest.mark.django_db
def test_activation_takes_no_look_alike_of_an_address(clock: object) -> None:
    """With the right number and the right code beside it; blanks around the whole are nobody's look-alike."""
    account = make_account(ADDRESS, holder=make_person(), state=KepAccount.State.PENDING_ACTIVATION)
    person = persons.enroll(
        tckn=new_tckn(), first_name="Kişil", last_name="Şahin", phone="+905321476890", now=NOON, established=True
    )
    AccountHolder.objects.filter(pk=account.holder_id).update(person=person)
    account.refresh_from_db()
    activation.begin(account, now=NOON)
    code = texts(person)[-1].text.rpartition("#")[2]
    others = [other for one, other in address_pairs() if one == ADDRESS and other.strip() != ADDRESS]
    assert len(others) > 100
    for other in others:
        with pytest.raises(ActivationRefused):
            activate(person, other, code)
    account.refresh_from_db()
    assert account.state == KepAccount.State.PENDING_ACTIVATION
    activate(person, ADDRESS.upper(), code)
    account.refresh_from_db()
    assert account.state == KepAccount.State.ACTIVE


def activate(person: Person, address: str, code: str) -> None:
    accepted = [activation.AcceptedText("kepue", "1")]
    activation.activate(
        tckn=person.tckn, address=address, code=code, password=PASSWORD, pin=PIN, accepted=accepted, texts=accepted,
        now=NOON,
    )  # fmt: skip
