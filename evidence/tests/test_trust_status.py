"""Fetching revocation material through handed-in callables: OCSP first, CRL second, nothing ever raised (S-006)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ocsp as ocsp_form
from cryptography.x509.oid import AuthorityInformationAccessOID

from evidence import answers, revocation, status
from evidence.tests import forge
from evidence.tests.forge import NOW, Made, make, name, world
from evidence.tests.forge_status import HOUR, MINUTE, STRANGER, answer, crl, revoked
from evidence.trust import CertificateRefused, Material, RevocationFetcher, Verdict, check_revocation
from guards.errors import KepError

OCSP_URL, CRL_URL = "http://127.0.0.1:9/ocsp", "http://127.0.0.1:9/liste.crl"


def url(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def with_sources(ocsp_urls: tuple[str, ...] = (OCSP_URL,), crl_urls: tuple[str, ...] = (CRL_URL,)) -> Made:
    access = [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url(one)) for one in ocsp_urls]
    points = [x509.DistributionPoint([url(one)], None, None, None) for one in crl_urls]
    sources: list[forge.Extension] = []
    if access:
        sources.append((x509.AuthorityInformationAccess(access), False))
    if points:
        sources.append((x509.CRLDistributionPoints(points), False))
    return make(name("Deneme", "12345678950"), [*forge.PERSON_EXTENSIONS, *sources], issuer=world().eshs)


LEAF = with_sources()


class Outside:
    """The network of a test: says what it is told, and remembers what it was asked."""

    def __init__(
        self, *, ocsp: Callable[[bytes], bytes] | Exception | None = None, crl: bytes | Exception | None = None
    ) -> None:
        self.ocsp, self.crl, self.asked = ocsp, crl, list[str]()

    def post(self, url: str, body: bytes, content_type: str) -> bytes:
        assert content_type == "application/ocsp-request"
        self.asked.append(url)
        if self.ocsp is None or isinstance(self.ocsp, Exception):
            raise self.ocsp or ConnectionRefusedError("nobody there")
        return self.ocsp(body)

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        if self.crl is None or isinstance(self.crl, Exception):
            raise self.crl or ConnectionRefusedError("nobody there")
        return self.crl


def fetch(outside: Outside, leaf: Made = LEAF, *, at: datetime = NOW, now: datetime = NOW + 5 * MINUTE) -> Material:
    return fetcher(outside).get(leaf.raw, world().eshs.raw, at=at, now=now)


def fetcher(outside: Outside) -> RevocationFetcher:
    return RevocationFetcher(post=outside.post, get=outside.get, anchors=world().anchors)


def nonce_in(request: bytes) -> bytes:
    return ocsp_form.load_der_ocsp_request(request).extensions.get_extension_for_class(x509.OCSPNonce).value.nonce


def codes(material: Material) -> list[str]:
    return [failure.code for failure in material.failures]


def test_a_usable_answer_is_enough_and_no_list_is_fetched() -> None:
    outside = Outside(ocsp=lambda request: answer(LEAF, nonce=nonce_in(request)))
    material = fetch(outside)
    assert material.ocsp is not None
    assert (material.crl, material.failures, outside.asked) == (None, (), [OCSP_URL])
    report = check_revocation(
        LEAF.raw,
        world().eshs.raw,
        at=NOW,
        ocsp=material.ocsp,
        crl=None,
        anchors=world().anchors,
        now=NOW + 5 * MINUTE,
    )
    assert report.verdict is Verdict.VALID


def test_the_request_names_the_certificate_and_carries_a_fresh_nonce() -> None:
    requests: list[bytes] = []
    outside = Outside(ocsp=lambda request: requests.append(request) or answer(LEAF))  # type: ignore[func-returns-value]
    fetch(outside)
    fetch(outside)
    first, second = (ocsp_form.load_der_ocsp_request(request) for request in requests)
    assert first.serial_number == second.serial_number == LEAF.certificate.serial_number
    assert first.hash_algorithm.name == "sha256"
    assert len(nonce_in(requests[0])) == 16
    assert nonce_in(requests[0]) != nonce_in(requests[1])


def test_an_answer_to_another_question_is_not_taken_and_one_without_nonce_is() -> None:
    assert codes(fetch(Outside(ocsp=lambda _: answer(LEAF, nonce=b"replayed replayed")))) == ["IPT-09", "IPT-10"]
    assert fetch(Outside(ocsp=lambda _: answer(LEAF))).ocsp is not None


def test_a_revoked_answer_is_material_too() -> None:
    outside = Outside(ocsp=lambda _: revoked(NOW - HOUR, leaf=LEAF), crl=crl())
    assert fetch(outside).ocsp is not None
    assert outside.asked == [OCSP_URL]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (ConnectionRefusedError("x"), "IPT-10"),
        (TimeoutError("x"), "IPT-10"),
        (KepError("refused by the allow-list"), "IPT-10"),
        (lambda _: b"<html>", "IPT-02"),
        (lambda _: answer(LEAF, signing_key=STRANGER), "IPT-06"),
        (lambda _: answer(world().person), "IPT-04"),
        (lambda _: answer(LEAF, status=ocsp_form.OCSPCertStatus.UNKNOWN), "IPT-08"),
        (lambda _: answer(LEAF, next_update=NOW + 2 * MINUTE), "IPT-07"),
    ],
    ids=["refused", "slow", "not allowed", "no answer", "badly signed", "another's", "unknown", "stale"],
)
def test_where_no_answer_can_be_used_the_list_is_fetched_and_the_reason_kept(
    trouble: Exception | Callable[[bytes], bytes], code: str
) -> None:
    outside = Outside(ocsp=trouble, crl=crl())
    material = fetch(outside)
    assert material.crl is not None
    assert (material.ocsp, codes(material), outside.asked) == (None, [code], [OCSP_URL, CRL_URL])


def test_nothing_reachable_is_reasons_and_no_exception() -> None:
    assert fetch(Outside()) == Material(failures=fetch(Outside()).failures)
    assert codes(fetch(Outside())) == ["IPT-10", "IPT-10"]
    assert codes(fetch(Outside(), with_sources((), ()))) == ["IPT-01"]
    assert codes(fetch(Outside(crl=b"<html>"))) == ["IPT-10", "IPT-12"]
    assert codes(fetch(Outside(crl=crl(next_update=NOW + MINUTE)))) == ["IPT-10", "IPT-15"]


def test_addresses_in_a_certificate_are_few_and_of_one_kind() -> None:
    many = with_sources(
        ("file:///etc/passwd", "ldap://a", *(f"http://a/{at}" for at in range(9))),
        ("ftp://a", "https://b/" + "x" * 491, *(f"https://b/{at}" for at in range(9))),
    )
    outside = Outside()
    fetch(outside, many)
    assert outside.asked == ["http://a/0", "http://a/1", "https://b/0", "https://b/1"]


def test_a_list_is_kept_while_it_settles_the_question() -> None:
    outside = Outside(crl=crl(this_update=NOW + MINUTE))
    patient = fetcher(outside)
    for later in (5 * MINUTE, 5 * HOUR, 22 * HOUR):
        assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + later).crl is not None
    assert outside.asked.count(CRL_URL) == 1
    outside.crl = crl(this_update=NOW + 24 * HOUR, next_update=NOW + 48 * HOUR)
    assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + 24 * HOUR).crl == outside.crl
    assert outside.asked.count(CRL_URL) == 2


def test_a_list_older_than_the_signature_is_asked_for_again_after_an_hour() -> None:
    """S-014: the state would otherwise stay PREMATURE until the old list ends."""
    outside = Outside(crl=crl())
    patient = fetcher(outside)
    old = patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + MINUTE).crl
    outside.crl = crl(this_update=NOW + MINUTE)
    assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + HOUR).crl == old
    assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + HOUR + MINUTE).crl == outside.crl
    assert outside.asked.count(CRL_URL) == 2


def test_an_old_list_serves_while_no_newer_can_be_had() -> None:
    outside = Outside(crl=crl())
    patient = fetcher(outside)
    old = patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW).crl
    outside.crl = TimeoutError("x")
    assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + 2 * HOUR).crl == old
    assert codes(patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + 24 * HOUR)) == ["IPT-10", "IPT-10"]


def test_an_expired_list_is_asked_for_again_however_young() -> None:
    outside = Outside(crl=crl(next_update=NOW + 10 * MINUTE))
    patient = fetcher(outside)
    assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW).crl == outside.crl
    outside.crl = crl(this_update=NOW + 10 * MINUTE)
    assert patient.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW + 10 * MINUTE).crl == outside.crl
    assert outside.asked.count(CRL_URL) == 2


def test_only_so_many_lists_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "MAX_CACHED_LISTS", 2)
    outside = Outside(crl=crl(this_update=NOW + MINUTE))
    small = fetcher(outside)
    leaves = [with_sources((), (f"http://127.0.0.1:9/{at}.crl",)) for at in range(3)]
    for leaf in (*leaves, leaves[2], leaves[1], leaves[0]):
        assert small.get(leaf.raw, world().eshs.raw, at=NOW, now=NOW + 5 * MINUTE).crl is not None
    assert [url[-5] for url in outside.asked] == ["0", "1", "2", "0"]


def test_a_list_is_never_taken_for_another_authority_at_the_same_address() -> None:
    outside = Outside(crl=crl())
    shared = fetcher(outside)
    assert shared.get(LEAF.raw, world().eshs.raw, at=NOW, now=NOW).crl is not None
    theirs = world("theirs")
    other = make(LEAF.certificate.subject, [*forge.PERSON_EXTENSIONS, *sources_of(LEAF)], issuer=theirs.eshs)
    assert shared.get(other.raw, theirs.eshs.raw, at=NOW, now=NOW + timedelta(seconds=1)).crl is None


def sources_of(made: Made) -> list[forge.Extension]:
    kinds = (x509.AuthorityInformationAccess, x509.CRLDistributionPoints)
    return [(one.value, False) for one in made.certificate.extensions if isinstance(one.value, kinds)]


def test_bytes_that_are_no_certificate_are_a_fault_of_the_caller() -> None:
    with pytest.raises(CertificateRefused):
        fetcher(Outside()).get(b"", world().eshs.raw, at=NOW, now=NOW)


def test_answers_that_are_too_large_are_not_remembered() -> None:
    """A responder that is out of its mind must not fill the memory: an answer of the outside may have 16 MB."""
    kept = revocation._said.cache_info().currsize, answers.read_ocsp.cache_info().currsize
    for number in range(3):
        outside = Outside(ocsp=lambda _, number=number: bytes([number]) * (answers.MAX_OCSP_BYTES + 1))
        assert codes(fetch(outside)) == ["IPT-02", "IPT-10"]
    assert (revocation._said.cache_info().currsize, answers.read_ocsp.cache_info().currsize) == kept
