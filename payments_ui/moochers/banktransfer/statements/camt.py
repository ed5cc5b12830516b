"""Statements and notifications in ISO 20022: camt.053 and camt.054, versions 2, 4 and 8.

Read by the names of elements without their namespace: the versions differ in where the amount of a
transaction, the status of an entry and a party's name stand, and banks in what they leave out.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from payments_ui.exceptions import StatementError

from .libraries import DefusedXmlException, ParseError, fromstring
from .transaction import Skipped, Transaction

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NAMESPACE = re.compile(
    r"\{urn:iso:std:iso:20022:tech:xsd:camt\.05[34]\.001\.(?:02|04|08)\}Document"
)
_ACCOUNTS = ("BkToCstmrStmt/Stmt", "BkToCstmrDbtCdtNtfctn/Ntfctn")
_BANK_IDS = ("Refs/AcctSvcrRef", "Refs/TxId", "Refs/UETR")
_NAMES = (*_BANK_IDS, "Refs/EndToEndId", "Refs/InstrId")
#: What banks write where the payer gave no reference.
_NONE = frozenset({"NOTPROVIDED", "NONREF", "UNKNOWN"})


def read(data: bytes) -> Iterator[Transaction | Skipped]:
    """Go through all entries of a file; raises ``StatementError``."""
    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise StatementError(f"This is no XML that can be read: {error}") from error
    if not _NAMESPACE.fullmatch(root.tag):
        raise StatementError("This is no camt.053 or camt.054 in version 2, 4 or 8")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    for statement in (found for path in _ACCOUNTS for found in root.findall(path)):
        account = _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")
        for entry in statement.findall("Ntry"):
            yield from _read_entry(entry, account)


def _read_entry(entry: Element, account: str) -> Iterator[Transaction | Skipped]:
    amount, currency = _amount(entry.find("Amt"))
    if reason := _reason_to_skip(entry):
        yield Skipped(reason=reason, amount=amount, currency=currency)
        return
    whole = Transaction(
        account=account,
        entry=_text(entry, "AcctSvcrRef"),
        booked_on=_date(_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")),
        amount=amount,
        currency=currency,
    )
    details = entry.findall("NtryDtls/TxDtls")
    parts = [_amount(_amount_element(each)) for each in details]
    if len(details) == 1:
        parts = [(amount, currency)]
    if details and _is_whole(parts, amount, currency):
        for each, part in zip(details, parts, strict=True):
            if _text(each, "CdtDbtInd") == "DBIT":
                yield Skipped(reason="money that left", amount=part[0], currency=part[1])
            else:
                yield _transaction(each, part, whole)
        return
    number = _text(entry, "NtryDtls/Btch/NbOfTxs")
    if not details and number not in ("", "1"):
        reason = "a batch without its transactions: import the bank's camt.054 of it"
        yield Skipped(reason=reason, amount=amount, currency=currency)
        return
    # Without parts that make the whole, the whole is one arrival, for a person to split.
    texts = tuple(_texts(entry, "AddtlNtryInf")) if len(details) < 2 else ()
    yield replace(whole, texts=texts)


def _reason_to_skip(entry: Element) -> str:
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status not in ("", "BOOK"):
        return "not booked yet"
    if _text(entry, "RvslInd") == "true":
        return "a reversal: look at it by hand"
    return "" if _text(entry, "CdtDbtInd") == "CRDT" else "money that left"


def _transaction(details: Element, part: tuple[Decimal, str], whole: Transaction) -> Transaction:
    end_to_end = _text(details, "Refs/EndToEndId")
    return replace(
        whole,
        amount=part[0],
        currency=part[1],
        structured=tuple(_texts(details, "RmtInf/Strd/CdtrRefInf/Ref")),
        texts=(*_texts(details, "RmtInf/Ustrd"), *_texts(details, "AddtlTxInf"), end_to_end),
        payer=_text(details, "RltdPties/Dbtr/Nm") or _text(details, "RltdPties/Dbtr/Pty/Nm"),
        name=_first(details, _NAMES),
        bank_id=_first(details, _BANK_IDS),
    )


def _first(details: Element, paths: Iterable[str]) -> str:
    names = (_text(details, path) for path in paths)
    return next((name for name in names if name and name not in _NONE), "")


def _amount_element(details: Element) -> Element | None:
    # Since version 4 a transaction has an amount of its own.
    for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt"):
        found = details.find(path)
        if found is not None:
            return found
    return None


def _amount(element: Element | None) -> tuple[Decimal, str]:
    if element is None:
        return Decimal(0), ""
    try:
        amount = Decimal((element.text or "").strip())
    except InvalidOperation:
        raise StatementError(f"{element.text!r:.40} is no amount") from None
    if not amount.is_finite() or amount < 0:
        raise StatementError(f"{element.text!r:.40} is no amount")
    return amount, element.get("Ccy", "")


def _is_whole(parts: list[tuple[Decimal, str]], amount: Decimal, currency: str) -> bool:
    return {code for _amount, code in parts} == {currency} and sum(p for p, _c in parts) == amount


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None


def _text(element: Element, path: str) -> str:
    return next(iter(_texts(element, path)), "")


def _texts(element: Element, path: str) -> list[str]:
    return [text for found in element.findall(path) if (text := (found.text or "").strip())]
