"""Addresses of sign-in and account choice (design.md 3)."""

from django.urls import path

from .views import choose, sign_in

app_name = "accounts"
urlpatterns = [
    path("giris/", sign_in.sign_in, name="sign_in"),
    path("giris/sms/", sign_in.sign_in_sms, name="sign_in_sms"),
    path("giris/sms/yeniden/", sign_in.sms_resend, name="sms_resend"),
    path("cikis/", sign_in.sign_out, name="sign_out"),
    path("hesap/sec/", choose.choose_account, name="choose_account"),
]
