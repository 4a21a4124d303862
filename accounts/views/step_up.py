"""`/hesap/dogrula/`: the person signed in proves himself once more, in the two steps of a sign-in."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from guards import clock
from guards.errors import KepError

from .. import one_time, step_up
from ..account_forms import ProofCodeForm, ProofForm
from ..errors import AccountsError
from ..life_errors import ProofNeeded
from ..models import Person
from ..one_time import Purpose
from .account_frame import account_page, person_of
from .next_page import safe_next

_NEXT = "kep_after_proof"


@sensitive_post_parameters("parola", "sifre")
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Step one: parola and şifre. Whoever was proved a moment ago goes on at once."""
    person, now, target = person_of(request), clock.now(), safe_next(request)
    if request.method != "POST":
        if step_up.is_proved(request, now=now):
            return HttpResponseRedirect(target or resolve_url("accounts:account"))
        return account_page(request, "accounts/account/prove.html", {"next": target}, form=ProofForm())
    form = ProofForm(request.POST)
    if not form.is_valid():
        return account_page(request, "accounts/account/prove.html", {"next": target}, form=form, status=422)
    given = form.cleaned_data
    try:
        step_up.check_secrets(request, person, password=given["parola"], pin=given["sifre"], now=now)
    except AccountsError as refusal:
        return account_page(request, "accounts/account/prove.html", {"next": target}, form=ProofForm(), refusal=refusal)
    request.session[_NEXT] = target
    return redirect("accounts:step_up_code")


@sensitive_post_parameters("sms")
@require_http_methods(["GET", "HEAD", "POST"])
def prove_code(request: HttpRequest) -> HttpResponse:
    """Step two: the code. Skipped steps lead back to the first one (V-045)."""
    person, now = person_of(request), clock.now()
    if not step_up.awaits_code(request, now=now):
        return _begin_again(request)
    if request.method != "POST":
        return _code_page(request, person, ProofCodeForm())
    form = ProofCodeForm(request.POST)
    if not form.is_valid():
        return _code_page(request, person, form, status=422)
    try:
        step_up.prove(request, person, form.cleaned_data["sms"].replace(" ", ""), now=now)
    except ProofNeeded:
        return _begin_again(request)
    except AccountsError as refusal:
        return _code_page(request, person, ProofCodeForm(), refusal)
    return HttpResponseRedirect(_target(request))


@require_POST
def prove_again(request: HttpRequest) -> HttpResponse:
    """A new code."""
    person = person_of(request)
    try:
        step_up.send_again(request, person, now=clock.now())
    except ProofNeeded:
        return _begin_again(request)
    except AccountsError as refusal:
        return _code_page(request, person, ProofCodeForm(), refusal)
    return redirect("accounts:step_up_code")


def _code_page(
    request: HttpRequest, person: Person, form: ProofCodeForm, refusal: KepError | None = None, *, status: int = 200
) -> HttpResponse:
    now = clock.now()
    code = one_time.living(Purpose.STEP_UP, step_up.subject_of(request), now=now)
    resend_at = code.sent_at + one_time.GAP if code else now
    context = {
        "phone_end": person.phone[-2:],
        "code": code,
        "resend_at": resend_at,
        "resend_allowed": now >= resend_at,
    }
    return account_page(request, "accounts/account/prove_code.html", context, form=form, refusal=refusal, status=status)


def _begin_again(request: HttpRequest) -> HttpResponse:
    query = urlencode({"next": request.session.get(_NEXT, "")})
    return HttpResponseRedirect(f"{resolve_url('accounts:step_up')}?{query}")


def _target(request: HttpRequest) -> str:
    wanted = request.session.pop(_NEXT, "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else resolve_url("accounts:account")
