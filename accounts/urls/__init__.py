"""Addresses of this floor, one file for each door (design.md 3). All share the name space `accounts`."""

from . import account, activation, legal, sign_in

app_name = "accounts"
urlpatterns = [*sign_in.urlpatterns, *activation.urlpatterns, *account.urlpatterns, *legal.urlpatterns]
