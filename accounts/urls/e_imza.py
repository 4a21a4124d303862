"""E-imza: sign-in, the proof inside a visit, and the end of every signed request; forgotten secrets."""

from django.urls import URLPattern, path

from ..views import e_imza, forgotten

urlpatterns: list[URLPattern] = [
    path("giris/imza/", e_imza.door, name="e_imza"),
    path("giris/imza/bekle/", e_imza.waiting, name="e_imza_waiting"),
    path("giris/imza/durum/", e_imza.state, name="e_imza_state"),
    path("giris/imza/bitir/", e_imza.finish, name="e_imza_finish"),
    path("giris/imza/vazgec/", e_imza.give_up, name="e_imza_give_up"),
    path("giris/unuttum/", forgotten.forgotten, name="forgotten"),
    path("hesap/dogrula/imza/", e_imza.step_up, name="step_up_e_imza"),
    path("hesap/yeni-parola/", forgotten.new_secrets, name="new_secrets"),
]
