"""Applying for an account, and where an application stands; `toplu/` is for signed-in main operators."""

from django.urls import URLPattern, path

from ..views import applying, applying_bulk, applying_papers, applying_status

urlpatterns: list[URLPattern] = [
    path("basvuru/", applying.start, name="applying"),
    path("basvuru/yeni/<slug:kind>/", applying.begin, name="applying_begin"),
    path("basvuru/bilgiler/", applying.details, name="applying_details"),
    path("basvuru/telefon/", applying.phone, name="applying_phone"),
    path("basvuru/telefon/kod/", applying.phone_code, name="applying_phone_code"),
    path("basvuru/hesap/", applying.account, name="applying_account"),
    path("basvuru/belgeler/", applying_papers.list_papers, name="applying_papers"),
    path("basvuru/belgeler/<slug:public_id>/", applying_papers.paper, name="applying_paper"),
    path("basvuru/belgeler/<slug:public_id>/kaldir/", applying_papers.withdraw_paper, name="applying_paper_withdraw"),
    path("basvuru/form/", applying_papers.printed_form, name="applying_form"),
    path("basvuru/taahhutname/", applying_papers.printed_undertaking, name="applying_undertaking"),
    path("basvuru/imza/", applying_papers.sign, name="applying_sign"),
    path("basvuru/gonder/", applying_papers.submit, name="applying_submit"),
    path("basvuru/basvurum/", applying_status.mine, name="applying_mine"),
    path("basvuru/geri-cek/", applying_status.withdraw, name="applying_withdraw"),
    path("basvuru/durum/", applying_status.ask, name="applying_status"),
    path("basvuru/durum/kod/", applying_status.code, name="applying_status_code"),
    path("basvuru/toplu/", applying_bulk.upload, name="applying_bulk"),
    path("basvuru/toplu/<slug:batch>/", applying_bulk.batch, name="applying_batch"),
    path("basvuru/toplu/<slug:batch>/gonder/", applying_bulk.send, name="applying_batch_send"),
    path("basvuru/toplu/<slug:batch>/sil/", applying_bulk.discard, name="applying_batch_discard"),
]
