"""Which KEP addresses a holder may have, and which are offered to him. No Django here.

A natural person's local part is `given names.surname` with an optional suffix (I-020): given names may be joined,
cut to their initial or left out, as long as one of them stands whole, and the surname is never hidden (K-047). A legal
person's is its MERSİS number or its name, with an optional suffix (K-040); the number must be the verified one
(K-050), and a name may be shortened to the beginnings of its words in their order: `tkgm`, `ptt`, `isbank`. Whoever
applies for its own people does so under a domain of its own name (K-043), and there a public unit's local part is free
of the entity's name (K-044). What a name may be is decided by rule here, so that no clerk can hand out somebody
else's name; a clash between two rightful names is the desk's decision (K-051).

Nothing typed is folded. Proposals are made from the name by the fold of `folding`, and an address that somebody wants
is compared with the folded name letter by letter.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain, count, islice, product
from typing import Final

from .folding import fold_words
from .identity import KepAddress, is_tckn, mersis_holds_tckn
from .identity_errors import AddressNotAllowed, Why

MOST_PROPOSALS: Final = 5
_MOST_TRIES: Final = 20_000
"""Candidates looked at before giving up: for a name borne so often the applicant chooses a suffix himself."""
_LOCAL_LIMIT: Final = 64
_LABEL_LIMIT: Final = 63
_SUFFIX: Final = re.compile(r"[a-z0-9]+", re.ASCII)
_PROVIDER: Final = re.compile(r"hs[0-9]{2}", re.ASCII)
_MERSIS: Final = re.compile(r"[0-9]{16}", re.ASCII)
_SHORTEST_ENTITY: Final = 2

_RESERVED_WORDS: Final = (
    "abuse admin administrator api bounce daemon delil dns ftp hostmaster icerik imap info kep kephs list listserv "
    "localhost mail mailer mailerdaemon mailer-daemon mx news no-reply nobody noc noreply ns null pop pop3 postmaster "
    "rehber root security sistem smtp ssl support sysadmin system test tls usenet uucp webmail webmaster www yonetim"
)
RESERVED: Final = frozenset(_RESERVED_WORDS.split())
"""Local parts and domain labels kept for the service itself (K-049, RFC 2142)."""

_BUSINESS_WORDS: Final = (
    "as ao a s o anonim sirketi sirket ltd sti limited kollektif komandit koll kom kooperatifi san sanayi tic ticaret "
    "ve ith ithalat ihr ihracat paz pazarlama ins insaat ic dis hizmetleri hiz"
)
_LEGAL_FORMS: Final = frozenset(_BUSINESS_WORDS.split())
"""Words that say what kind of business it is and not whose: proposals leave them out where a name is left."""


# --- natural persons --------------------------------------------------------------------------------------------------
def natural_proposals(
    first_name: str, last_name: str, *, provider: str, is_free: Callable[[str], bool], entity: str = ""
) -> tuple[str, ...]:
    """Up to five free addresses for this name, the plainest first; a suffix counts up where they are taken (K-046).

    `entity` is the domain of the sponsor of a corporate application (K-043). Empty when the name has no letter that
    ASCII could write: the clerk then asks for the Latin form in the passport.
    """
    given, family = fold_words(first_name), fold_words(last_name)
    if not given or not family:
        return ()
    surname = _surnames(family)[0]
    stems = [f"{names}.{surname}" for names in _given_forms(given)]
    domain = _domain(provider, entity)
    return _first_free((f"{local}@{domain}" for local in _with_suffixes(stems)), is_free)


def refuse_natural(address: KepAddress, *, first_name: str, last_name: str, tckn: str, entity: str = "") -> None:
    """Raise `AddressNotAllowed` unless a person of this name may have this address (K-041, K-047, K-049, I-022).

    Under a corporate application `entity` is the sponsor's domain, and the address must lie in it (K-043).
    """
    if address.entity != entity:
        raise _not_allowed(Why.ENTITY_DOMAIN_NEEDED if entity else Why.NATURAL_DOMAIN)
    _refuse_reserved(address.local)
    if tckn in _bare(address.local) or holds_tckn(address.local):
        raise _not_allowed(Why.HOLDS_A_TCKN)
    names, _, rest = address.local.partition(".")
    surname, dot, suffix = rest.partition(".")
    if names not in _given_forms(fold_words(first_name)) or surname not in _surnames(fold_words(last_name)):
        raise _not_allowed(Why.NOT_THE_NAME)
    if dot and _SUFFIX.fullmatch(suffix) is None:
        raise _not_allowed(Why.SUFFIX)


def _given_forms(given: tuple[str, ...]) -> list[str]:
    """The given names joined, then shortened: each whole, as its initial, or left out, and at least one of them whole.

    `mehmetali`, `mali`, `mehmet`, `ali`, `mehmeta`: as people are called first, the rest after them. Whoever has more
    than four given names is known by the first four.
    """
    given = given[:4]
    if not given:
        return []
    called = ["".join(given), given[0][0] + "".join(given[1:]) if len(given) > 1 else given[0], *given]
    every = (
        "".join(chosen)
        for chosen in product(*((name, name[0], "") for name in given))
        if any(part == name for part, name in zip(chosen, given, strict=True))
    )
    return list(dict.fromkeys((*called, *every)))


def _surnames(family: tuple[str, ...]) -> list[str]:
    """The surname, never shortened: two surnames joined, or with a hyphen."""
    return ["".join(family), "-".join(family)] if family else []


# --- legal persons ----------------------------------------------------------------------------------------------------
def legal_proposals(
    name: str, mersis: str, *, provider: str, is_free: Callable[[str], bool], entity_domain: bool = False
) -> tuple[str, ...]:
    """Up to five free addresses for a legal person: by its name, then by its MERSİS number, then with suffixes.

    With `entity_domain` they lie under a domain of the entity's own name (K-042); `mersis` may be empty.
    """
    entities = entity_names(name)
    stems = list(entities)
    if mersis and not mersis_holds_tckn(mersis):
        stems.append(mersis)
    domains = [_domain(provider, entity) for entity in entities] if entity_domain else [_domain(provider)]
    plain = [f"{stem}@{domain}" for domain in domains[:1] for stem in stems]
    plain += [f"{stem}@{domain}" for domain in domains[1:] for stem in stems[:1]]
    more = (f"{local}@{domain}" for domain in domains[:1] for local in _with_suffixes(stems))
    return _first_free(chain(plain, more), is_free)


def refuse_legal(
    address: KepAddress, *, name: str, mersis: str, corporate: bool, entity: str = "", public: bool = False
) -> None:
    """Raise `AddressNotAllowed` unless this legal person may have this address (K-040..K-044, K-049, K-050).

    `corporate`: it applies for its own people too, and its own domain is compulsory (K-043). `entity` is a domain that
    is this legal person's already, for example a ministry's whose unit applies: then it need not come from `name`.
    `public`: under a domain of its own a public body may name its units freely (K-044).
    """
    _refuse_reserved(address.local.partition(".")[0])
    if address.entity:
        _refuse_reserved(address.entity)
        if address.entity != entity and not is_entity_name(address.entity, name):
            raise _not_allowed(Why.NOT_THE_ENTITY)
    elif corporate:
        raise _not_allowed(Why.ENTITY_DOMAIN_NEEDED)
    stem, dot, suffix = address.local.partition(".")
    if _MERSIS.fullmatch(stem):
        if not mersis or stem != mersis:
            raise _not_allowed(Why.NOT_THE_MERSIS)
        if mersis_holds_tckn(mersis):
            raise _not_allowed(Why.HOLDS_A_TCKN)
    elif holds_tckn(stem):
        raise _not_allowed(Why.HOLDS_A_TCKN)
    elif not (public and address.entity) and not is_entity_name(stem, name):
        raise _not_allowed(Why.NOT_THE_ENTITY)
    if holds_tckn(suffix):
        raise _not_allowed(Why.HOLDS_A_TCKN)
    if dot and _SUFFIX.fullmatch(suffix) is None:
        raise _not_allowed(Why.SUFFIX)


def entity_names(name: str) -> tuple[str, ...]:
    """Short names a legal person could be called by, the most telling first: joined words, with hyphens, initials."""
    words = fold_words(name)
    own = tuple(word for word in words if word not in _LEGAL_FORMS) or words
    forms = ["".join(own[:3]), "-".join(own[:3]), "".join(own[:2]), own[0] if own else "", "".join(own)]
    forms.append("".join(word[0] for word in own) if len(own) > 2 else "")
    forms.append("".join(words))
    return tuple(dict.fromkeys(form for form in forms if _could_be_entity(form)))


def is_entity_name(label: str, name: str) -> bool:
    """Whether `label` is made of the beginnings of the name's words in their order; words may be left out.

    Hyphens stand between words or nowhere. Two signs at least: a single letter is nobody's name.
    """
    if not _could_be_entity(label):
        return False
    reached = {0}
    for word in fold_words(name):
        reached |= {end for start in reached for end in _ends(label, start, word)}
    return len(label) in reached


def _ends(label: str, start: int, word: str) -> Iterator[int]:
    """Where in the label one or more first letters of the word, written from `start` on, could end."""
    if 0 < start < len(label) and label[start] == "-":
        start += 1
    for length, letter in enumerate(word, start=1):
        if start + length > len(label) or label[start + length - 1] != letter:
            return
        yield start + length


def _could_be_entity(label: str) -> bool:
    return (
        _SHORTEST_ENTITY <= len(label) <= _LABEL_LIMIT
        and label not in RESERVED
        and _PROVIDER.fullmatch(label) is None
        and not (label.isdigit() and len(label) == 16)
        and not holds_tckn(label)
    )


# --- both -------------------------------------------------------------------------------------------------------------
def holds_tckn(local: str) -> bool:
    """Whether eleven digits in a row, dots and hyphens aside, make an identity number by form (I-022)."""
    return any(
        is_tckn(digits[at : at + 11])
        for digits in re.findall(r"[0-9]{11,}", _bare(local))
        for at in range(len(digits) - 10)
    )


def _bare(local: str) -> str:
    return local.replace(".", "").replace("-", "")


def _refuse_reserved(label: str) -> None:
    if label in RESERVED or _PROVIDER.fullmatch(label):
        raise _not_allowed(Why.RESERVED)


def _not_allowed(why: str) -> AddressNotAllowed:
    return AddressNotAllowed("not an address of this holder", why=why)


def _domain(provider: str, entity: str = "") -> str:
    return f"{entity}.{provider}.kep.tr" if entity else f"{provider}.kep.tr"


def _with_suffixes(stems: list[str]) -> Iterator[str]:
    """The two plainest, the first with `.1`, the others, and then the first with `.2`, `.3`, ... (K-046).

    Only what leaves room for its suffix in 64 octets (K-048).
    """
    fitting = [stem for stem in stems if len(stem) <= _LOCAL_LIMIT - 6]
    if not fitting:
        return
    yield from (*fitting[:2], f"{fitting[0]}.1", *fitting[2:])
    for number in count(2):
        yield f"{fitting[0]}.{number}"


def _first_free(candidates: Iterator[str], is_free: Callable[[str], bool]) -> tuple[str, ...]:
    found: list[str] = []
    for each in islice(candidates, _MOST_TRIES):
        if each not in found and is_free(each):
            found.append(each)
            if len(found) == MOST_PROPOSALS:
                break
    return tuple(found)
