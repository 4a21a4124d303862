"""What the demo authorities answer, judged by our own rules and by openssl (S-011, S-014)."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from demo import pki
from demo.pki_server import CER, CRL, OCSP, Counter
from evidence.trust import RevocationReport, TrustAnchors, Verdict, check_revocation

TCKN, PIN = "12345678950", "1234"
NAMED_BY = [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]  # noqa: S303 - names an issuer only
SECOND = timedelta(seconds=1)


class Desk:
    """A counter over a PKI of the test's own, with a clock the test moves."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.now = directory, datetime.now(UTC)
        self.counter = Counter(directory, clock=lambda: self.now)

    def certificate(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.directory / "pki" / f"{name}.pem").read_bytes())

    def raw(self, name: str) -> bytes:
        return self.certificate(name).public_bytes(serialization.Encoding.DER)

    def ask(
        self,
        leaf: str,
        ca: str,
        *,
        algorithm: hashes.HashAlgorithm | None = None,
        nonce: bytes | None = None,
        at: str = "",
    ) -> bytes:
        """The answer about `leaf` of the authority `ca`, asked at the counter of `at` (the same, if left out)."""
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            self.certificate(leaf), self.certificate(ca), algorithm or hashes.SHA256()
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
        request = builder.build().public_bytes(serialization.Encoding.DER)
        answer = self.counter.serve("POST", f"/ocsp/{at or ca}", "application/ocsp-request", request)
        assert (answer.status, answer.content_type) == (200, OCSP)
        return answer.body

    def list(self, ca: str) -> bytes:
        answer = self.counter.serve("GET", f"/crl/{ca}.crl", "", b"")
        assert (answer.status, answer.content_type) == (200, CRL)
        return answer.body

    def judge(
        self, leaf: str, ca: str, *, ocsp: bytes | None = None, crl: bytes | None = None, at: datetime | None = None
    ) -> RevocationReport:
        return check_revocation(
            self.raw(leaf),
            self.raw(ca),
            at=at or self.now,
            ocsp=ocsp,
            crl=crl,
            anchors=TrustAnchors.from_pem(self.directory / "pki" / "root.pem"),
            now=self.now,
        )


@pytest.fixture
def desk(own_pki: Path) -> Desk:
    pki.issue_person(own_pki, "ayse", "Ayşe Işık", TCKN, PIN)
    return Desk(own_pki)


def unsuccessful(raw: bytes) -> ocsp.OCSPResponseStatus:
    return ocsp.load_der_ocsp_response(raw).response_status


@pytest.mark.parametrize(
    ("leaf", "ca"),
    [("people/ayse", "eshs-ca"), ("islem-hs01", "islem-ca"), ("tsa-rsa", "tsa-ca"), ("eshs-ca", "root")],
)
def test_every_authority_answers_for_what_it_issued_for_ten_minutes(desk: Desk, leaf: str, ca: str) -> None:
    raw = desk.ask(leaf, ca)
    report = desk.judge(leaf, ca, ocsp=raw)
    assert (report.verdict, report.source, report.state) == (Verdict.VALID, "ocsp", "MATURE")
    assert report.next_update == desk.now.replace(microsecond=0) + timedelta(minutes=10)
    desk.now = report.next_update + SECOND
    assert desk.judge(leaf, ca, ocsp=raw).verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("algorithm", NAMED_BY, ids=lambda algorithm: algorithm.name)
def test_the_hash_and_the_nonce_are_those_of_the_question(desk: Desk, algorithm: hashes.HashAlgorithm) -> None:
    response = ocsp.load_der_ocsp_response(desk.ask("people/ayse", "eshs-ca", algorithm=algorithm, nonce=b"0123456789"))
    assert response.hash_algorithm.name == algorithm.name
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789"
    assert not list(ocsp.load_der_ocsp_response(desk.ask("people/ayse", "eshs-ca", algorithm=algorithm)).extensions)


def test_of_what_a_question_carries_only_the_nonce_is_echoed(desk: Desk) -> None:
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(desk.certificate("people/ayse"), desk.certificate("eshs-ca"), hashes.SHA256())
        .add_extension(x509.OCSPAcceptableResponses([x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.1")]), False)
        .add_extension(x509.OCSPNonce(b"0123456789"), False)
        .build()
        .public_bytes(serialization.Encoding.DER)
    )
    response = ocsp.load_der_ocsp_response(desk.counter.serve("POST", "/ocsp/eshs-ca", "", request).body)
    assert [type(one.value) for one in response.extensions] == [x509.OCSPNonce]


def test_the_responder_is_the_authoritys_own(desk: Desk) -> None:
    response = ocsp.load_der_ocsp_response(desk.ask("people/ayse", "eshs-ca"))
    assert response.certificates == [desk.certificate("ocsp-eshs-ca")]


def test_a_number_nobody_issued_is_unknown(desk: Desk, tmp_path: Path) -> None:
    """Also one that another authority issued under its own name."""
    stranger = tmp_path / "stranger"
    pki.ensure(stranger)
    pki.issue_person(stranger, "ayse", "Ayşe Işık", TCKN, PIN)
    known = ocsp.load_der_ocsp_response(desk.ask("people/ayse", "eshs-ca"))
    for asked in (Desk(stranger).certificate("people/ayse"), desk.certificate("islem-hs01")):
        request = (
            ocsp.OCSPRequestBuilder()
            .add_certificate_by_hash(
                known.issuer_name_hash, known.issuer_key_hash, asked.serial_number, known.hash_algorithm
            )
            .build()
            .public_bytes(serialization.Encoding.DER)
        )
        answer = desk.counter.serve("POST", "/ocsp/eshs-ca", "", request)
        assert ocsp.load_der_ocsp_response(answer.body).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_an_authority_answers_for_itself_only_and_to_questions_only(desk: Desk) -> None:
    assert unsuccessful(desk.ask("people/ayse", "eshs-ca", at="islem-ca")) is ocsp.OCSPResponseStatus.UNAUTHORIZED
    for rubbish in (b"", b"rubbish", b"\x30\x00"):
        body = desk.counter.serve("POST", "/ocsp/eshs-ca", "", rubbish).body
        assert unsuccessful(body) is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    assert desk.counter.serve("POST", "/ocsp/nobody", "", b"").status == 404
    assert desk.counter.serve("POST", "/ocsp/eshs-ca/abc", "", b"").status == 405
    assert desk.counter.serve("PUT", "/ocsp/eshs-ca", "", b"").status == 405
    assert desk.counter.serve("GET", "/ocsp/eshs-ca/!!", "", b"").status == 400


def test_a_revocation_is_told_at_the_next_question_and_drops_the_kept_list(desk: Desk) -> None:
    started = desk.now
    before = desk.list("eshs-ca")
    assert desk.judge("people/ayse", "eshs-ca", crl=before).state == "PREMATURE"
    desk.now += timedelta(minutes=5)
    assert desk.list("eshs-ca") == before, "kept for an hour"
    pki.revoke(desk.directory, pki.serial_of(desk.directory, "ayse"), desk.now, x509.ReasonFlags.superseded)
    revoked_at = desk.now.replace(microsecond=0)
    desk.now += SECOND
    for report in (
        desk.judge("people/ayse", "eshs-ca", ocsp=desk.ask("people/ayse", "eshs-ca")),
        desk.judge("people/ayse", "eshs-ca", crl=desk.list("eshs-ca")),
    ):
        assert (report.verdict, report.revoked_at, report.reason) == (Verdict.INVALID, revoked_at, "superseded")
    signed_before = desk.judge("people/ayse", "eshs-ca", crl=desk.list("eshs-ca"), at=started)
    assert (signed_before.verdict, signed_before.state) == (Verdict.VALID, "MATURE")


def test_a_list_is_kept_for_an_hour_and_good_for_a_day(desk: Desk) -> None:
    started, first = desk.now, desk.list("eshs-ca")
    desk.now = started + timedelta(minutes=59)
    assert desk.list("eshs-ca") == first
    pki.issue_person(desk.directory, "mehmet", "Mehmet Öz", "98765432150", PIN)
    assert desk.list("eshs-ca") == first, "a new certificate is no reason for a new list"
    desk.now = started + timedelta(hours=1)
    second = desk.list("eshs-ca")
    assert second != first
    report = desk.judge("people/ayse", "eshs-ca", crl=second, at=started)
    assert (report.verdict, report.state) == (Verdict.VALID, "MATURE")
    assert report.next_update == desk.now.replace(microsecond=0) + timedelta(hours=24)
    numbers = [
        x509.load_der_x509_crl(raw).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        for raw in (first, second)
    ]
    assert numbers[0] < numbers[1]


def test_a_list_names_only_what_its_own_authority_issued(desk: Desk) -> None:
    serial = desk.certificate("islem-hs01").serial_number
    pki.revoke(desk.directory, serial, desk.now)
    desk.now += SECOND
    assert [entry.serial_number for entry in x509.load_der_x509_crl(desk.list("islem-ca"))] == [serial]
    assert list(x509.load_der_x509_crl(desk.list("eshs-ca"))) == []


def test_lists_are_signed_over_the_hash_that_fits_the_key(desk: Desk) -> None:
    for name, expected in (("root", "sha384"), ("eshs-ca", "sha256")):
        found = x509.load_der_x509_crl(desk.list(name)).signature_hash_algorithm
        assert found is not None
        assert found.name == expected


def test_certificates_are_handed_out_and_everything_else_is_not_found(desk: Desk) -> None:
    answer = desk.counter.serve("GET", "/cer/eshs-ca.cer", "", b"")
    assert (answer.status, answer.content_type, answer.body) == (200, CER, desk.raw("eshs-ca"))
    for path in (
        "/",
        "/cer/tsa.cer",
        "/cer/../private/root.key.cer",
        "/crl/nobody.crl",
        "/control",
        "/tsa/",
        "/index.json",
    ):
        for method in ("GET", "POST"):
            assert desk.counter.serve(method, path, "", b"").status == 404, path
    assert desk.counter.serve("POST", "/crl/eshs-ca.crl", "", b"").status == 405
    assert desk.counter.serve("POST", "/cer/eshs-ca.cer", "", b"").status == 405


def test_an_index_that_cannot_be_read_is_a_service_that_is_away(desk: Desk) -> None:
    """Never an answer that all is well."""
    index = desk.directory / "pki" / "index.json"
    kept = index.read_bytes()
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(desk.certificate("people/ayse"), desk.certificate("eshs-ca"), hashes.SHA256())
        .build()
        .public_bytes(serialization.Encoding.DER)
    )
    for break_it in (lambda: index.write_text("{"), index.unlink):
        break_it()
        assert desk.counter.serve("POST", "/ocsp/eshs-ca", "", request).status == 503
        assert desk.counter.serve("GET", "/crl/eshs-ca.crl", "", b"").status == 503
        index.write_bytes(kept)
    assert desk.counter.serve("POST", "/ocsp/eshs-ca", "", request).status == 200


def openssl(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["openssl", *arguments]
    return subprocess.run(command, cwd=desk.directory / "pki", capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.needs("openssl")
def test_openssl_takes_the_list_and_refuses_what_it_names(desk: Desk) -> None:
    folder = desk.directory / "pki"
    verify = ["verify", "-crl_check", "-no-CApath", "-no-CAstore", "-CAfile", "root.pem", "-untrusted", "eshs-ca.pem"]
    for name in ("root", "eshs-ca", "islem-ca", "tsa-ca"):
        (folder / "list.der").write_bytes(desk.list(name))
        done = openssl(desk, "crl", "-inform", "DER", "-in", "list.der", "-noout", "-CAfile", f"{name}.pem")
        assert "verify OK" in done.stderr, done.stderr
    (folder / "list.der").write_bytes(desk.list("eshs-ca"))
    openssl(desk, "crl", "-inform", "DER", "-in", "list.der", "-out", "list.pem")
    assert openssl(desk, *verify, "-CRLfile", "list.pem", "people/ayse.pem").returncode == 0
    pki.revoke(desk.directory, pki.serial_of(desk.directory, "ayse"), desk.now - timedelta(hours=1))
    (folder / "list.der").write_bytes(desk.list("eshs-ca"))
    openssl(desk, "crl", "-inform", "DER", "-in", "list.der", "-out", "list.pem")
    refused = openssl(desk, *verify, "-CRLfile", "list.pem", "people/ayse.pem")
    assert refused.returncode != 0
    assert "certificate revoked" in refused.stderr
