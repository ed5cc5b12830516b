"""Statements as banks write them, in each version."""

from __future__ import annotations

from collections.abc import Sequence

ACCOUNT = "CH9300762011623852957"


def details(
    amount: str = "12.00",
    *,
    version: str = "08",
    structured: str = "",
    text: str = "",
    end_to_end: str = "NOTPROVIDED",
    payer: str = "Ada Lovelace",
    currency: str = "CHF",
    name: str = "",
) -> str:
    """A transaction within an entry."""
    money = f'<Amt Ccy="{currency}">{amount}</Amt>'
    if version == "02":
        money = f"<AmtDtls><TxAmt>{money}</TxAmt></AmtDtls>"
    party = f"<Nm>{payer}</Nm>"
    if version == "08":
        party = f"<Pty>{party}</Pty>"
    own = f"<AcctSvcrRef>{name}</AcctSvcrRef>" if name else ""
    strd = f"<Strd><CdtrRefInf><Ref>{structured}</Ref></CdtrRefInf></Strd>" if structured else ""
    ustrd = f"<Ustrd>{text}</Ustrd>" if text else ""
    return (
        f"<TxDtls><Refs>{own}<EndToEndId>{end_to_end}</EndToEndId></Refs>{money}"
        f"<CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr>{party}</Dbtr></RltdPties>"
        f"<RmtInf>{ustrd}{strd}</RmtInf></TxDtls>"
    )


def entry(
    amount: str = "12.00",
    parts: Sequence[str] = (),
    *,
    version: str = "08",
    kind: str = "CRDT",
    status: str = "BOOK",
    reference: str = "ENTRY1",
    currency: str = "CHF",
    more: str = "",
    number: int | None = None,
) -> str:
    """An entry of an account."""
    batch = f"<Btch><NbOfTxs>{number}</NbOfTxs></Btch>" if number else ""
    state = f"<Sts><Cd>{status}</Cd></Sts>" if version == "08" else f"<Sts>{status}</Sts>"
    named = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{kind}</CdtDbtInd>{more}{state}'
        f"<BookgDt><Dt>2026-11-27</Dt></BookgDt>{named}"
        f"<NtryDtls>{batch}{''.join(parts)}</NtryDtls></Ntry>"
    )


def camt(*entries: str, kind: str = "053", version: str = "08") -> bytes:
    """A statement (053) or a notification (054)."""
    outer, inner = (
        ("BkToCstmrStmt", "Stmt") if kind == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{outer}>'
        f"<{inner}><Acct><Id><IBAN>{ACCOUNT}</IBAN></Id></Acct>{''.join(entries)}</{inner}>"
        f"</{outer}></Document>"
    ).encode()


def mt940(*lines: str) -> bytes:
    """A statement in MT940."""
    body = "\n".join(lines)
    return (
        f":20:STARTUMSE\n:25:{ACCOUNT}\n:28C:00001/001\n:60F:C261126CHF1000,00\n{body}\n"
        ":62F:C261127CHF1007,00\n-\n"
    ).encode("latin-1")
