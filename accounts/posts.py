"""Who serves for the provider: clerks of a branch and the back office.

A post is a row with dates, read at every request like every other right (V-043). It opens the desk and nothing else:
a clerk acts for no account, reads no content (V-049), and neither sees nor chooses a secret (V-013).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest

from guards import clock

from .errors import NotServing
from .models import Branch, Person, Post
from .operators import running


@dataclass(frozen=True)
class Serving:
    """A person on duty: at which branch, in which role; the back office has no branch."""

    person: Person
    post: Post
    branch: Branch | None

    @property
    def actor(self) -> str:
        """How event log and histories name the person."""
        return f"person:{self.person.pk}"

    @property
    def branch_code(self) -> str:
        """The branch's code, empty for the back office."""
        return self.branch.code if self.branch else ""


def serving(request: HttpRequest, role: str) -> Serving:
    """The signed-in person on duty in this role. `NotServing` for everybody else, and once the branch has closed."""
    person, now = request.user, clock.now()
    if not isinstance(person, Person):
        raise NotServing("nobody is signed in")
    return serving_of(person, role, now=now)


def serving_of(person: Person, role: str, *, now: datetime) -> Serving:
    """The same outside a request. One query."""
    open_branch = Q(branch=None) | Q(branch__closed_at=None) | Q(branch__closed_at__gt=now)
    posts = Post.objects.filter(running(now), open_branch, person=person, role=role).select_related("branch")
    post = posts.first()
    if post is None:
        raise NotServing("no post in this role")
    return Serving(person, post, post.branch)


def roles_of(person: Person, *, now: datetime) -> list[str]:
    """The roles the person serves in at `now`. One query."""
    return list(Post.objects.filter(running(now), person=person).values_list("role", flat=True))


def serves(person: Person, *, now: datetime) -> bool:
    """Whether the person holds any post: his visits then end sooner (V-031). One query."""
    return Post.objects.filter(running(now), person=person).exists()
