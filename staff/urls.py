"""Addresses of the back office."""

from django.urls import URLPattern, path

from .views import accounts, approvals, branches, posts

app_name = "staff"
_ACCOUNT = "hesaplar/<str:public_id>"

urlpatterns: list[URLPattern] = [
    path("", approvals.listed, name="approvals"),
    path("onay/<str:public_id>/", approvals.one, name="approval"),
    path("onay/<str:public_id>/karar/", approvals.decide, name="approval_decide"),
    path("subeler/", branches.listed, name="branches"),
    path("subeler/<str:public_id>/kapat/", branches.close, name="branch_close"),
    path("gorevliler/", posts.listed, name="posts"),
    path("gorevliler/yeni/", posts.ask_grant, name="post_grant"),
    path("gorevliler/<str:public_id>/bitir/", posts.ask_end, name="post_end"),
    path("hesaplar/", accounts.search, name="accounts"),
    path(f"{_ACCOUNT}/", accounts.account, name="account"),
    path(f"{_ACCOUNT}/askiya-al/", accounts.ask_suspend, name="ask_suspend"),
    path(f"{_ACCOUNT}/askiyi-kaldir/", accounts.ask_resume, name="ask_resume"),
    path(f"{_ACCOUNT}/kapat/", accounts.ask_close, name="ask_close"),
]
