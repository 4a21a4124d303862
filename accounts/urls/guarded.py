"""What needs a second pair of eyes at the counter, and where a holder stops it."""

from django.urls import URLPattern, path

from ..views import desk_accounts, desk_approvals, desk_people, stop_change

_PERSON = "sube/kisi/<uuid:key>"
_ACCOUNT = "sube/hesap/<str:public_id>"

urlpatterns: list[URLPattern] = [
    path("sube/kisi/", desk_people.search, name="desk_people"),
    path(f"{_PERSON}/", desk_people.person, name="desk_person"),
    path(f"{_PERSON}/parola/", desk_people.ask_reset, name="desk_ask_reset"),
    path(f"{_PERSON}/telefon/", desk_people.ask_phone, name="desk_ask_phone"),
    path(f"{_ACCOUNT}/", desk_accounts.account, name="desk_account"),
    path(f"{_ACCOUNT}/kapat/", desk_accounts.ask_close, name="desk_ask_close"),
    path(f"{_ACCOUNT}/yeniden-ac/", desk_accounts.ask_reopen, name="desk_ask_reopen"),
    path(f"{_ACCOUNT}/yetkili/", desk_accounts.ask_appoint, name="desk_ask_appoint"),
    path(f"{_ACCOUNT}/yetkili/<str:operator_id>/cikar/", desk_accounts.ask_end_office, name="desk_ask_end_office"),
    path("sube/onay/", desk_approvals.listed, name="desk_approvals"),
    path("sube/onay/<str:public_id>/", desk_approvals.one, name="desk_approval"),
    path("sube/onay/<str:public_id>/karar/", desk_approvals.decide, name="desk_approval_decide"),
    path("hesap/durdur/", stop_change.stop, name="stop_change"),
]
