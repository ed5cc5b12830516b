"""The product's addresses."""

from __future__ import annotations

from django.urls import path

from atelier import views

app_name = "atelier"
urlpatterns = [
    path("", views.home, name="home"),
    path("prices/", views.prices, name="prices"),
    path("dashboard/", views.dashboard, name="dashboard"),
    path("sheets/new/", views.new_sheet, name="new_sheet"),
    path("sheets/new/<int:made>/", views.new_sheet, name="made"),
    path("sheets/<int:pk>/", views.sheet_detail, name="sheet"),
    path("sheets/<int:pk>/sheet.svg", views.picture, name="picture"),
    path("account/", views.account, name="account"),
]
