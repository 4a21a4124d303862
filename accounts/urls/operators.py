"""Operators of an account: list, rights, invitations, who did what, the sealed record."""

from django.urls import URLPattern, path

from ..views import operator_invitations, operator_papers, operator_record, operators

urlpatterns: list[URLPattern] = [
    path("yetkililer/", operators.listed, name="operators"),
    path("yetkililer/ekle/", operator_invitations.invite, name="operator_invite"),
    path("yetkililer/kayit/", operator_record.activity_page, name="operator_activity"),
    path("yetkililer/belge/", operator_record.ask, name="operator_record_ask"),
    path("yetkililer/belge/<str:version>/", operator_record.fetch, name="operator_record"),
    path("yetkililer/davetler/", operator_invitations.mine, name="invitations"),
    path("yetkililer/davet/<str:public_id>/", operator_invitations.read, name="invitation"),
    path("yetkililer/davet/<str:public_id>/kabul/", operator_invitations.accept, name="invitation_accept"),
    path("yetkililer/davet/<str:public_id>/ret/", operator_invitations.decline, name="invitation_decline"),
    path("yetkililer/davet/<str:public_id>/geri-cek/", operator_invitations.withdraw, name="invitation_withdraw"),
    path("yetkililer/davet/<str:public_id>/yeniden/", operator_invitations.send_again, name="invitation_again"),
    path("yetkililer/<str:public_id>/", operators.edit, name="operator"),
    path("yetkililer/<str:public_id>/cikar/", operators.remove, name="operator_remove"),
    path("yetkililer/<str:public_id>/evrak/", operator_papers.papers_page, name="operator_papers"),
    path("yetkililer/<str:public_id>/evrak/<str:paper_id>/", operator_papers.download, name="operator_paper"),
    path(
        "yetkililer/<str:public_id>/evrak/<str:paper_id>/kaldir/",
        operator_papers.withdraw,
        name="operator_paper_out",
    ),
]
