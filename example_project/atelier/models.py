"""Sheets, and the prints that were ordered of them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from atelier.prices import Destination, Size, Terrain


class Sheet(models.Model):
    """One rendered map. Its token makes sending the form twice harmless."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sheets")
    token = models.UUIDField(_("token"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60)
    terrain = models.CharField(_("terrain"), max_length=10, choices=Terrain.choices)
    size = models.CharField(_("size"), max_length=2, choices=Size.choices)
    seed = models.PositiveIntegerField(_("seed"))
    svg = models.TextField(_("picture"), editable=False)
    created_at = models.DateTimeField(_("rendered at"), auto_now_add=True)

    class Meta:
        verbose_name = _("sheet")
        verbose_name_plural = _("sheets")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("atelier:sheet", args=[self.pk])

    @property
    def tiles(self) -> int:
        return Size(self.size).tiles


class Print(models.Model):
    """One order of a sheet on paper."""

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="prints")
    token = models.UUIDField(_("token"), default=uuid.uuid4, unique=True, editable=False)
    destination = models.CharField(_("destination"), max_length=2, choices=Destination.choices)
    created_at = models.DateTimeField(_("ordered at"), auto_now_add=True)

    class Meta:
        verbose_name = _("print")
        verbose_name_plural = _("prints")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.sheet} ({self.get_destination_display()})"
