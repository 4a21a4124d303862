"""Addresses of this floor, one file for each door (design.md 3). All share the name space `accounts`."""

from . import desk, guarded, legal, operators, sign_in

app_name = "accounts"
urlpatterns = [
    *sign_in.urlpatterns,
    *legal.urlpatterns,
    *operators.urlpatterns,
    *desk.urlpatterns,
    *guarded.urlpatterns,
]
