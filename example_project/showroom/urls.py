"""The showroom's addresses."""

from __future__ import annotations

from django.urls import path

from showroom import views

app_name = "showroom"
urlpatterns = [
    path("preferences/", views.preferences, name="preferences"),
    path("person/", views.person, name="person"),
    path("team/", views.team, name="team"),
    path("sandbox/", views.sandbox, name="sandbox"),
    path("bank/", views.bank, name="bank"),
    path("bank/statement/", views.bank_statement, name="bank_statement"),
    path("night/", views.night, name="night"),
    path("stripe/", views.pay_with_stripe, name="stripe"),
    path("guide/", views.guided_tour, name="guide"),
    path("signed-out/", views.signed_out, name="signed_out"),
]
