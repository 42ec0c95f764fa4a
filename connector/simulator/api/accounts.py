"""The accounts connected to the key's own, as `GET /v1/accounts` lists them.

Source: https://docs.stripe.com/api/accounts/object, https://docs.stripe.com/api/accounts/list
"""

from dataclasses import dataclass

from connector.simulator.protocol.messages import Json

_COUNTRIES = ("US", "DE", "GB", "FR", "JP")
_DASHBOARDS = ("express", "none")


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account. `created` in unix seconds; `number` is its place among the platform's, and
    `platform_pays` says that this one pays Stripe's fees for it."""

    id: str
    created: int
    number: int
    platform_pays: bool

    def view(self) -> Json:
        """The account object, as far as it matters to reports."""
        dashboard = _DASHBOARDS[self.number % len(_DASHBOARDS)]
        return {
            "id": self.id,
            "object": "account",
            "charges_enabled": True,
            "controller": {
                "fees": {"payer": "application" if self.platform_pays else "account"},
                "is_controller": True,
                "stripe_dashboard": {"type": dashboard},
                "type": "application",
            },
            "country": _COUNTRIES[self.number % len(_COUNTRIES)],
            "created": self.created,
            "details_submitted": True,
            "payouts_enabled": True,
            "type": "express" if dashboard == "express" else "none",
        }
