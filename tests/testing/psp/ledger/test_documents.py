from __future__ import annotations

from collections.abc import Iterator

import pytest

from payments_ui.testing.psp.ledger.clock import Clock
from payments_ui.testing.psp.ledger.documents import Documents
from payments_ui.testing.psp.ledger.store import Store


@pytest.fixture
def documents() -> Iterator[Documents]:
    store = Store()
    yield Documents(store, Clock())
    store.close()


def test_a_document_is_found_by_its_kind_and_fields(documents: Documents) -> None:
    documents.add("customer", {"id": "cus_1", "email": "a"})
    documents.add("customer", {"id": "cus_2", "email": "b"})
    documents.add("mandate", {"id": "m_1", "email": "a"})
    assert [one["id"] for one in documents.find("customer")] == ["cus_2", "cus_1"]
    assert [one["id"] for one in documents.find("customer", email="a")] == ["cus_1"]
    assert documents.get("mandate", "cus_1") is None
    assert [kind for kind, _, _ in documents.newest(2)] == ["mandate", "customer"]
    documents.delete("cus_1")
    assert documents.get("customer", "cus_1") is None


def test_a_document_is_changed_as_a_whole(documents: Documents) -> None:
    documents.add("customer", {"id": "cus_1", "email": "a"})
    with documents.changing("customer", "cus_1") as body:
        body["email"] = "b"
    assert documents.get("customer", "cus_1") == {"id": "cus_1", "email": "b"}

    def change_nothing() -> None:
        with documents.changing("customer", "cus_2"):
            pass

    with pytest.raises(KeyError):
        change_nothing()
