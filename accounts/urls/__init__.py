"""Addresses of this floor, one file for each door (design.md 3). All share the name space `accounts`."""

from . import account, activation, applying, desk, e_imza, guarded, legal, operators, sign_in

app_name = "accounts"
urlpatterns = [
    *sign_in.urlpatterns,
    *account.urlpatterns,
    *activation.urlpatterns,
    *applying.urlpatterns,
    *desk.urlpatterns,
    *e_imza.urlpatterns,
    *guarded.urlpatterns,
    *legal.urlpatterns,
    *operators.urlpatterns,
]
