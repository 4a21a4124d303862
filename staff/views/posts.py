"""Who serves: the list, asking that somebody be given a post, asking that one be ended."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.guarded import postings
from accounts.guarded.errors import NoSuchPost
from accounts.guarded.forms import WhyForm
from accounts.identity import mask_tckn
from accounts.models import Approval, Post
from accounts.posts import Serving
from accounts.step_up import needs_step_up
from accounts.views.approval_shown import ROLES
from accounts.views.asking import AskPage, asked, posted
from guards import clock

from ..forms import PostForm
from .parts import for_office, office_page


@dataclass(frozen=True)
class PostRow:
    """One line of the list."""

    public_id: str
    name: str
    tckn: str
    role: str
    branch: str
    since: datetime
    is_own: bool


@require_safe
@for_office
def listed(request: HttpRequest, by: Serving) -> HttpResponse:
    """Everybody who serves now, by branch and name."""
    now = clock.now()
    rows = Post.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now)).select_related("person", "branch")
    context = {"posts": [_row(each, by) for each in rows.order_by("role", "branch__name", "starts_at")]}
    return office_page(request, by, "staff/posts.html", context, current="posts")


@sensitive_post_parameters("tckn", "telefon")
@require_http_methods(["GET", "HEAD", "POST"])
@for_office
@needs_step_up
def ask_grant(request: HttpRequest, by: Serving) -> HttpResponse:
    """Ask that somebody be given a post."""
    now = clock.now()
    form = PostForm(posted(request), branches=postings.open_branches(now=now))
    page = _page(
        _("Görev verme"),
        about=_("Yeni görevli"),
        lead=_(
            "Yönetimden ikinci bir kişi onaylayınca görev başlar. Parolası ve şifresi olmayan kişinin telefonuna, "
            "bunları belirleyeceği bir kod gider."
        ),
    )

    def ask() -> Approval:
        given = form.cleaned_data
        return postings.ask_to_grant(
            form.candidate(), role=given["rol"], branch=form.branch(), why=given["gerekce"], by=by, now=now
        )

    return asked(request, by, page, form, ask)


@require_http_methods(["GET", "HEAD", "POST"])
@for_office
@needs_step_up
def ask_end(request: HttpRequest, by: Serving, public_id: str) -> HttpResponse:
    """Ask that a post be ended."""
    now, form = clock.now(), WhyForm(posted(request))
    lasting = Q(ends_at=None) | Q(ends_at__gt=now)
    post = Post.objects.filter(lasting, public_id=public_id).select_related("person", "branch").first()
    if post is None:
        raise NoSuchPost("no such running post")
    page = _page(
        _("Görevi sona erdirme"),
        about=f"{post.person.full_name}, {ROLES[Post.Role(post.role)]}",
        lead=_("Onaylanınca görev hemen biter ve kişinin açık oturumları kapanır."),
        is_destructive=True,
    )

    def ask() -> Approval:
        return postings.ask_to_end(post, why=form.cleaned_data["gerekce"], by=by, now=now)

    return asked(request, by, page, form, ask)


def _page(title: str, *, about: str, lead: str, is_destructive: bool = False) -> AskPage:
    return AskPage(
        title=title,
        about=about,
        lead=lead,
        button=_("Onaya gönder"),
        back_url=reverse("staff:posts"),
        current="posts",
        after="staff:approval",
        home=reverse("staff:approvals"),
        is_destructive=is_destructive,
    )


def _row(post: Post, by: Serving) -> PostRow:
    return PostRow(
        public_id=post.public_id,
        name=post.person.full_name,
        tckn=mask_tckn(post.person.tckn),
        role=str(ROLES[Post.Role(post.role)]),
        branch=post.branch.name if post.branch else "",
        since=post.starts_at,
        is_own=post.person_id == by.person.pk,
    )
