"""Addresses of this floor, one file for each door (design.md 3). All share the name space `accounts`."""

from . import account, activation, e_imza, legal, operators, sign_in

app_name = "accounts"
urlpatterns = [
    *sign_in.urlpatterns,
    *e_imza.urlpatterns,
    *activation.urlpatterns,
    *account.urlpatterns,
    *operators.urlpatterns,
    *legal.urlpatterns,
]
