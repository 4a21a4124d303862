"""What the page is told of a session: plain values for the script to put into text nodes, never markup."""

from typing import Any

from signer.message import Person, Shown
from signer.request import RequestShown
from signer.session import OPEN, Prepared, Session, Stage
from signer.token import Certificate


def state_of(session: Session | None) -> dict[str, Any]:
    """The whole state, always with the same keys; of None the state before any operation."""
    if session is None:
        return _NOTHING
    claimed = session.claimed
    ended = session.ended_by
    return {
        "stage": session.stage.value,
        "open": session.stage in OPEN,
        "seconds_left": round(session.seconds_left()),
        "origin": claimed.origin if claimed else "",
        "account": claimed.account if claimed else "",
        "comparison": claimed.comparison if claimed else "",
        "certificates": [_certificate(each) for each in session.certificates],
        "problems": [f"{session.said(each)} [{each.code}]" for each in session.problems],
        "heading": session.heading,
        "message": _message(session.prepared) if session.prepared else None,
        "request": _request(session.prepared) if session.prepared else None,
        "return_to": session.return_address,
        "error": {"code": ended.code, "message": session.said(ended)} if ended else None,
    }


_NOTHING: dict[str, Any] = {
    "stage": Stage.IDLE.value,
    "open": False,
    "seconds_left": 0,
    "origin": "",
    "account": "",
    "comparison": "",
    "certificates": [],
    "problems": [],
    "heading": "",
    "message": None,
    "request": None,
    "return_to": "",
    "error": None,
}


def _certificate(certificate: Certificate) -> dict[str, str]:
    return {
        "id": certificate.id,
        "owner": certificate.owner,
        "issuer": certificate.issuer,
        "not_after": certificate.not_after.isoformat(),
        "held_by": certificate.held_by,
        "warning": certificate.pin.value,
        "unusable": certificate.unusable,
    }


def _message(prepared: Prepared) -> dict[str, Any] | None:
    shown = prepared.shown
    if not isinstance(shown, Shown):
        return None
    return {
        **_signing(prepared),
        "from": _person(shown.sender),
        "to": [_person(each) for each in shown.to],
        "cc": [_person(each) for each in shown.cc],
        "subject": shown.subject,
        "files": [{"name": file.name, "type": file.content_type, "size": file.size} for file in shown.files],
        "text": shown.text,
        "text_is_cut": shown.text_is_cut,
    }


def _request(prepared: Prepared) -> dict[str, Any] | None:
    shown = prepared.shown
    if not isinstance(shown, RequestShown):
        return None
    return {
        **_signing(prepared),
        "meaning": shown.meaning,
        "asked_at": shown.asked_at.isoformat(),
        "expires_at": shown.expires_at.isoformat(),
        "text": shown.text,
    }


def _signing(prepared: Prepared) -> dict[str, str]:
    """What every signature has: whose card, over what, at what time."""
    return {
        "certificate": prepared.certificate.id,
        "owner": prepared.certificate.owner,
        "digest": prepared.digest.hex().upper(),
        "signing_time": prepared.signing_time.isoformat(),
    }


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "address": person.address}
