"""The fake PSP with Stripe's API, as a release of autumn 2026 speaks it (2026-10-28.endive).

    with SandboxPSP(api_key="key", webhook_secret="secret") as psp:
        psp.stripe.listen("http://127.0.0.1:8000/payments/webhooks/stripe/")
        client = stripe.StripeClient(
            psp.stripe.secret_key, base_addresses={"api": psp.stripe.url}
        )
        intent = client.v1.payment_intents.create({"amount": 1200, "currency": "chf"})
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert psp.ledger.totals()["CHF"].kept == 1200

Bank, ledger, clock, plan and outbox are those of the sandbox, so `psp.plan`, `psp.advance`,
`psp.deliver_webhooks` and `psp.outbox` work for both. To the plan, confirming a payment is
"create", making it without confirming (and confirmation tokens) is "prepare", everything about
customers and their payment methods is "save", then there are "refund", "fetch" and "cancel".

What Stripe's dashboard and its customers' banks do are verbs of the bank and the resources:

    psp.bank.open_dispute(charge_id, reason="fraudulent")  # inquiry=True: the bank only asks
    psp.bank.win_dispute(dispute_id)  # escalate_, review_, lose_
    psp.bank.return_refund(refund_id, "declined")  # a refund that succeeded comes back
    psp.stripe.early_fraud_warnings.warn(charge_id)
    psp.stripe.payment_methods.expire(method_id, year=2026, month=1)
    psp.stripe.mandates.end(mandate_id)
    psp.decide(next_action_url, "approve")  # what the customer does in 3-D Secure, or "refuse"

- a file per resource, with its name at Stripe; what all of them need is in `account`
- `face`: URLs, keys, idempotency; `params`, `errors`: requests and refusals in Stripe's shape
- `cards`, `declines`, `amounts`: Stripe's test cards, codes and special cases
- `pages`: what customers see

It is told from Stripe's documentation and the types of stripe-python 16, with which its tests
compare it; it needs nothing but Python.
"""
