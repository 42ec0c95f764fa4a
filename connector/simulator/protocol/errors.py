"""Stripe's errors, and the answers they become.

They have a code where Stripe documents one; for an interval outside the availability it does not. The
messages are modelled on Stripe's, not copied.

Source: https://docs.stripe.com/api/errors, https://docs.stripe.com/error-codes
"""

from collections.abc import Mapping
from typing import Any

from connector.simulator.protocol.messages import Reply, json_reply

DOC_URL = "https://docs.stripe.com/error-codes#"


class StripeError(Exception):
    """An error to answer with; `endpoints.respond` turns it into the reply."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def reply(self, request_log_url: str | None = None) -> Reply:
        """The error object; Stripe adds `request_log_url` where it knows the key."""
        error: dict[str, Any] = {}
        if self.code:
            error |= {"code": self.code, "doc_url": DOC_URL + self.code.replace("_", "-")}
        error["message"] = str(self)
        if self.param:
            error["param"] = self.param
        if request_log_url:
            error["request_log_url"] = request_log_url
        return json_reply(self.status, {"error": error | {"type": self.kind}}, self.headers)


def unknown_parameter(name: str) -> StripeError:
    return StripeError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def missing_parameter(name: str) -> StripeError:
    return StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def invalid_integer(name: str, value: object) -> StripeError:
    return StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)


def empty_parameter(name: str) -> StripeError:
    return StripeError(
        f"{name} was sent as an empty string, and it cannot be unset. Leave it out or give it a value.",
        code="parameter_invalid_empty",
        param=name,
    )


def no_such(thing: str, id: str, *, param: str, status: int = 404) -> StripeError:
    return StripeError(f"No such {thing}: '{id}'", status=status, code="resource_missing", param=param)


def no_access(account: str, *, key: str = "") -> StripeError:
    """An account that the key may not act for, or no longer."""
    of_key = f"The provided key '{key}'" if key else "The provided key"
    return StripeError(
        f"{of_key} does not have access to account '{account}' (or that account does not exist).",
        status=403,
        code="account_invalid",
    )


def unknown_url(method: str, path: str) -> StripeError:
    return StripeError(
        f"Unrecognized request URL ({method}: {path}). See https://docs.stripe.com for what exists here.",
        status=404,
    )


def unauthorized(message: str, code: str | None = None) -> StripeError:
    return StripeError(message, status=401, code=code, headers={"WWW-Authenticate": 'Basic realm="Stripe"'})


def too_many_requests(message: str, reason: str) -> StripeError:
    """`reason`: which limit, as `Stripe-Rate-Limited-Reason` names it."""
    headers = {"Stripe-Rate-Limited-Reason": reason}
    return StripeError(message, status=429, code="rate_limit", headers=headers)
