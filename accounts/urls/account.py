"""A person's own sign-in, and the way back to a lost one."""

from django.urls import URLPattern, path

from ..views import account, recovery, second_steps, sign_in_other, step_up, visits

urlpatterns: list[URLPattern] = [
    path("giris/uygulama/", sign_in_other.sign_in_other, name="sign_in_other"),
    path("hesap/", account.account, name="account"),
    path("hesap/kurtarma/", recovery.recover, name="recover"),
    path("hesap/kurtarma/tamam/", recovery.recovered, name="recovered"),
    path("hesap/dogrula/", step_up.prove, name="step_up"),
    path("hesap/dogrula/kod/", step_up.prove_code, name="step_up_code"),
    path("hesap/dogrula/yeniden/", step_up.prove_again, name="step_up_again"),
    path("hesap/parola/", account.renew_password, name="renew_password"),
    path("hesap/sifre/", account.renew_pin, name="renew_pin"),
    path("hesap/dogrulayici/", second_steps.authenticator, name="authenticator"),
    path("hesap/dogrulayici/basla/", second_steps.authenticator_begin, name="authenticator_begin"),
    path("hesap/dogrulayici/kaldir/", second_steps.authenticator_remove, name="authenticator_remove"),
    path("hesap/kurtarma-kodlari/", second_steps.recovery_codes, name="recovery_codes"),
    path("hesap/oturumlar/", visits.visits, name="visits"),
    path("hesap/oturumlar/kapat/", visits.end_others, name="end_other_visits"),
    path("hesap/oturumlar/<str:public_id>/kapat/", visits.end_visit, name="end_visit"),
    path("hesap/cihazlar/<str:key>/unut/", visits.forget_device, name="forget_device"),
    path("hesap/hareketler/", account.events, name="account_events"),
]
