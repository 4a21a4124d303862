"""kepcheck asks every app that has a checker, prints what is found and says so by its exit status (R-009)."""

from io import StringIO

import pytest
from django.core.management import call_command

from guards.findings import Finding
from kepweb.management.commands import kepcheck


def run(monkeypatch, found, **options) -> tuple[int, str, str]:
    """Exit status, stdout and stderr with these checkers installed."""
    monkeypatch.setattr(kepcheck, "checkers", lambda: iter(found.items()))
    out, err = StringIO(), StringIO()
    try:
        call_command("kepcheck", stdout=out, stderr=err, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_without_findings_it_ends_well(monkeypatch):
    assert run(monkeypatch, {"evidence": lambda now: []}) == (0, "", "kepcheck: 0 bulgu (evidence)\n")


def test_each_finding_is_one_line_and_the_status_is_one(monkeypatch):
    found = [Finding("vault.damaged", "ab12", "does not open"), Finding("proof.missing", "k-1", "no proof 40")]
    status, out, err = run(monkeypatch, {"evidence": lambda now: found, "mailbox": lambda now: iter(())})
    assert status == 1
    assert out.splitlines() == ["vault.damaged ab12 does not open", "proof.missing k-1 no proof 40"]
    assert "2 bulgu (evidence, mailbox)" in err


def test_one_app_can_be_asked_alone(monkeypatch):
    found = {"evidence": lambda now: [Finding("a", "b", "c")], "mailbox": lambda now: []}
    assert run(monkeypatch, found, app=["mailbox"])[0] == 0
    assert run(monkeypatch, found, app=["evidence"])[0] == 1


def test_apps_with_a_checker_are_found_by_themselves():
    assert [label for label, checker in kepcheck.checkers() if not callable(checker)] == []
    assert {label for label, _ in kepcheck.checkers()} <= {"evidence", "signing", "accounts", "directory", "mailbox"}


@pytest.mark.django_db
def test_an_empty_provider_has_no_findings():
    call_command("kepcheck", stdout=StringIO(), stderr=StringIO())
