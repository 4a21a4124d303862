"""Sign-in, and the choice of the account to act for."""

from django.urls import URLPattern, path

from ..views import choose, sign_in

urlpatterns: list[URLPattern] = [
    path("giris/", sign_in.sign_in, name="sign_in"),
    path("giris/sms/", sign_in.sign_in_sms, name="sign_in_sms"),
    path("giris/sms/yeniden/", sign_in.sms_resend, name="sms_resend"),
    path("cikis/", sign_in.sign_out, name="sign_out"),
    path("hesap/sec/", choose.choose_account, name="choose_account"),
]
