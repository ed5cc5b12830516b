"""Errors as Stripe shows them."""

from __future__ import annotations

import json
from typing import Any


class StripeError(Exception):
    """A call is refused: nothing was executed, and its idempotency key stays free."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": kind} | more
        if code is not None:
            self.error["code"] = code
        if param is not None:
            self.error["param"] = param

    def to_json(self) -> str:
        """Return the body of the answer."""
        return json.dumps({"error": self.error})


class CardError(StripeError):
    """A card was declined: that was executed, and is the answer to its idempotency key for good."""


def missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    """Return the error for an object that does not exist."""
    message = f"No such {kind}: '{object_id[:100]}'"
    return StripeError(message, status=404, code="resource_missing", param=param)


def unknown(param: str) -> StripeError:
    """Return the error for a parameter that the call does not take."""
    text = f"Received unknown parameter: {param[:100]}"
    return StripeError(text, code="parameter_unknown", param=param[:100])


def required(param: str) -> StripeError:
    """Return the error for a parameter that the call needs."""
    return StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)
