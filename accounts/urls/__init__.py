"""Addresses of this floor, one file for each door (design.md 3). All share the name space `accounts`."""

from . import account, activation, applying, e_imza, legal, operators, sign_in

app_name = "accounts"
urlpatterns = [
    *account.urlpatterns,
    *activation.urlpatterns,
    *applying.urlpatterns,
    *e_imza.urlpatterns,
    *legal.urlpatterns,
    *operators.urlpatterns,
    *sign_in.urlpatterns,
]
