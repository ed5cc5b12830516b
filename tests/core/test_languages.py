"""The core speaks the user's language, also where nothing else of the kit is installed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils.translation import override

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import AttemptOpenError


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("de", "Wir warten noch auf die Antwort zu Ihrem letzten Versuch."),
        ("fr", "Nous attendons encore la réponse à votre dernière tentative."),
        ("it", "Attendiamo ancora la risposta al Suo ultimo tentativo."),
    ],
)
def test_errors_are_said_in_the_users_language(language: str, sentence: str) -> None:
    with override(language):
        assert str(AttemptOpenError()).startswith(sentence)


@pytest.mark.parametrize(
    ("language", "name", "label", "expired"),
    [
        ("de", "Posten", "bezahlt am", "Ihre Karte ist abgelaufen."),
        ("fr", "postes", "encaissé le", "Votre carte a expiré."),
        ("it", "voci", "incassato il", "La Sua carta è scaduta."),
    ],
)
def test_the_admins_words_are_translated_django_moochs_fields_included(
    language: str, name: str, label: str, expired: str
) -> None:
    with override(language):
        assert str(LineItem._meta.verbose_name_plural) == name
        assert str(Payment._meta.get_field("charged_at").verbose_name) == label
        assert str(DeclineCode.EXPIRED_CARD.label).startswith(expired)


def test_a_payment_describes_itself_in_the_active_language(user: User) -> None:
    LineItem.objects.record(user=user, title="Tile 7", amount="5", currency="CHF")
    payment = Payment.objects.create_pending(user=user, email="ada@example.com")
    assert payment is not None
    with override("de"):
        assert payment.description == "Zahlung über 5.00 von ada@example.com: Tile 7"
        assert str(payment) == "Ausstehende Zahlung über 5.00"
