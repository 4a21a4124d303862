"""Pages of the demonstration, in the embedded profile only."""

from django.urls import path

from . import views

app_name = "demo"
urlpatterns = [path("telefon/", views.phone, name="phone")]
