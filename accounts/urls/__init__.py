"""Addresses of this floor, one file for each door (design.md 3). All share the name space `accounts`."""

from . import desk, legal, sign_in

app_name = "accounts"
urlpatterns = [*sign_in.urlpatterns, *legal.urlpatterns, *desk.urlpatterns]
