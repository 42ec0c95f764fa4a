"""Where a redirect may lead, and that the key goes nowhere else."""

import httpx
import pytest

from connector.api.client import StripeClient
from connector.api.models import ReportFile
from connector.errors import (
    ConnectionFailedError,
    UntrustedHostError,
)
from connector.simulator import SIMULATED_KEY
from tests.api.handlers import ONCE, TYPES_URL, redirecting
from tests.conftest import ClientFor
from tests.support.clock import NOON, ManualClock


def test_a_redirect_to_a_trusted_host_is_followed(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("https://files.stripe.com/v1/elsewhere", sent))

    client.report_types()

    assert [request.url.host for request in sent] == ["api.stripe.com", "files.stripe.com"]


def test_the_key_never_follows_a_redirect_to_another_host(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("https://evil.example/v1/reporting/report_types", sent))

    with pytest.raises(UntrustedHostError):
        client.report_types()

    assert {request.url.host for request in sent} == {"api.stripe.com"}


@pytest.mark.parametrize(
    ("to", "kind", "said"),
    [
        # Found by a fuzzer.
        ("https:evil.example/x", ConnectionFailedError, "GET {url}: InvalidURL: "),
        ("//evil.example:port", ConnectionFailedError, "GET {url}: RemoteProtocolError: "),
        ("/\x00", ConnectionFailedError, "GET {url}: RemoteProtocolError: "),
        ("::", ConnectionFailedError, "GET {url}: RemoteProtocolError: "),
        ("https://xn--evil_/x", ConnectionFailedError, "GET {url}: IDNAError: "),
        ("https://[", UntrustedHostError, "asked to fetch from https://%5b, which is neither "),
        # Shown without the key, this is not a host name.
        (f"https://{SIMULATED_KEY}.evil/", UntrustedHostError, "{url} redirects to what is not a URL: "),
    ],
)
def test_a_redirect_to_what_is_no_url_is_an_error_of_ours(
    client_for: ClientFor, to: str, kind: type[Exception], said: str
) -> None:
    client = client_for(redirecting(to, []), retry=ONCE)

    with pytest.raises(kind) as caught:
        client.report_types()

    assert str(caught.value).startswith(said.format(url=TYPES_URL))
    assert SIMULATED_KEY not in str(caught.value)


def test_a_file_at_what_is_no_url_is_not_asked_for(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    file = ReportFile("file_1", NOON, 1, "x", url="https://files.stripe.com/\x00")

    with (
        pytest.raises(UntrustedHostError, match=r"^Stripe's answer holds a URL that cannot be read: Invalid"),
        client_for(redirecting("/x", sent)).contents(file),
    ):
        pass

    assert not sent


def test_connections_that_follow_redirects_by_themselves_take_the_key_no_further(
    clock: ManualClock,
) -> None:
    sent: list[httpx.Request] = []
    evil = redirecting("https://evil.example/v1/x", sent)
    following = httpx.Client(transport=httpx.MockTransport(evil), follow_redirects=True)

    with (
        StripeClient(SIMULATED_KEY, http=following, clock=clock) as client,
        pytest.raises(UntrustedHostError),
    ):
        client.report_types()

    assert [request.url.host for request in sent] == ["api.stripe.com"]


def test_a_redirect_loop_ends(client_for: ClientFor) -> None:
    sent: list[httpx.Request] = []
    client = client_for(redirecting("/v1/reporting/report_types", sent))

    with pytest.raises(UntrustedHostError, match="more than"):
        client.report_types()

    assert len(sent) < 10
