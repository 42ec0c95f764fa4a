"""One value for how Stripe is reached and where reports are stored, for the command and for Dagster."""

import pytest

from assets import StripeReporting
from connector.api.models import Mode
from connector.dataset.filesystem.access import Access
from connector.errors import ConfigurationError
from connector.settings import Connection

ENVIRONMENT = {
    "STRIPE_API_KEY": "rk_test_51something",
    "STRIPE_API_BASE": "http://127.0.0.1:1",
    "STRIPE_ACCOUNT": "acct_1",
    "STRIPE_REPORTS_ROOT": "s3://bucket/reports",
}


def test_the_environment_says_it_all() -> None:
    connection = Connection.from_environment(environment=ENVIRONMENT)

    assert connection == Connection(
        "rk_test_51something", "http://127.0.0.1:1", "acct_1", "s3://bucket/reports"
    )
    assert "something" not in repr(connection)


def test_an_empty_variable_counts_as_unset() -> None:
    empty = dict.fromkeys(ENVIRONMENT, "")

    assert Connection.from_environment(environment=empty) == Connection.from_environment(environment={})


def test_options_come_before_the_environment_and_an_empty_account_is_the_keys_own() -> None:
    connection = Connection.from_environment(account="", root="here", environment=ENVIRONMENT)

    assert (connection.account, connection.root) == (None, "here")


def test_the_key_may_come_from_another_variable() -> None:
    given = {**ENVIRONMENT, "STRIPE_API_KEY_EU": "rk_live_51other"}

    assert Connection.from_environment(key_variable="STRIPE_API_KEY_EU", environment=given).api_key == (
        "rk_live_51other"
    )


@pytest.mark.parametrize("base", ["https://api.stripe.com", "http://127.0.0.1:4242"])
def test_a_publishable_key_is_called_one_whatever_the_server(base: str) -> None:
    with pytest.raises(ConfigurationError, match="is a publishable key") as refused:
        Connection("pk_live_51Secret", base).client()

    assert "51Secret" not in str(refused.value)


def test_the_resource_reaches_what_a_connection_reaches() -> None:
    resource = StripeReporting(
        api_key="rk_test_51something", account="acct_1", root="here", processes=2, share=0.5
    )

    assert resource.connection() == Connection(
        "rk_test_51something", account="acct_1", root="here", processes=2, share=0.5
    )
    assert resource.mode() is Mode.TEST


def test_the_resource_reaches_a_bucket_as_it_says() -> None:
    resource = StripeReporting(
        api_key="rk_test_51something", root="s3://books", endpoint="https://s3.example", region="eu-1"
    )

    assert resource.connection().access == Access("https://s3.example", "eu-1")
    assert resource.connection().place().access == Access("https://s3.example", "eu-1")


def test_how_the_rate_limit_is_divided_is_said_by_the_environment_or_by_options() -> None:
    given = {"STRIPE_PROCESSES": "60", "STRIPE_SHARE": "0.5"}

    assert Connection.from_environment(environment={}).division() == (1, 1.0)
    assert Connection.from_environment(environment=given).division() == (60, 0.5)
    assert Connection.from_environment(processes=2, share=0.1, environment=given).division() == (2, 0.1)


@pytest.mark.parametrize("variable", ["STRIPE_PROCESSES", "STRIPE_SHARE"])
@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "9" * 500, "rk_live_51secret"])
def test_a_number_that_cannot_be_is_refused_by_its_name_where_stripe_would_be_called(
    variable: str, value: str
) -> None:
    connection = Connection.from_environment(environment={**ENVIRONMENT, variable: value})

    with pytest.raises(ConfigurationError, match=f"{variable} is .*: expected") as refused:
        connection.client()

    assert "secret" not in str(refused.value)
