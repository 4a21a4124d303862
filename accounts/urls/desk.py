"""The counter of a branch."""

from django.urls import URLPattern, path

from ..views import desk, desk_intake, desk_papers, desk_steps

_ONE = "sube/basvuru/<str:public_id>"

urlpatterns: list[URLPattern] = [
    path("sube/", desk.applications, name="desk"),
    path("sube/yeni/", desk_intake.choose_kind, name="desk_new"),
    path("sube/yeni/<str:word>/", desk_intake.intake, name="desk_intake"),
    path("sube/bugun/", desk.acts_of_today, name="desk_today"),
    path(f"{_ONE}/", desk_steps.application, name="desk_application"),
    path(f"{_ONE}/al/", desk.take, name="desk_take"),
    path(f"{_ONE}/adim/<str:word>/", desk_steps.step, name="desk_step"),
    path(f"{_ONE}/adim/<str:word>/ac/", desk_steps.reopen, name="desk_reopen"),
    path(f"{_ONE}/telefon-kodu/", desk_steps.send_code, name="desk_send_code"),
    path(f"{_ONE}/aktivasyon-kodu/", desk_steps.activation_again, name="desk_activation_again"),
    path(f"{_ONE}/belge/ekle/<str:kind>/", desk_papers.add, name="desk_document_add"),
    path(f"{_ONE}/belge/<str:document_id>/", desk_papers.document, name="desk_document"),
    path(f"{_ONE}/belge/<str:document_id>/kaldir/", desk_papers.remove, name="desk_document_remove"),
    path(f"{_ONE}/cikti/<str:paper>/", desk_papers.printed, name="desk_print"),
    path(f"{_ONE}/ret/", desk_papers.reject, name="desk_reject"),
]
