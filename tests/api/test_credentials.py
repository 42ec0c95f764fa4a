"""Where the API key may go."""

import pytest

from connector.api.credentials import ApiKey, Hosts, key_kind, mode_of
from connector.api.models import Mode
from connector.errors import ConfigurationError, UntrustedHostError

STRIPE = Hosts.of()
LOCAL = Hosts.of("http://127.0.0.1:8123")


@pytest.mark.parametrize(
    ("hosts", "url", "to"),
    [
        pytest.param(STRIPE, "https://files.stripe.com/v1/files/f/contents", None, id="stripes-files"),
        pytest.param(STRIPE, "https://api.stripe.com/v1/files/f/contents", None, id="stripes-api"),
        pytest.param(STRIPE, "https://files.stripe.com:443/x", None, id="the-default-port-spelled-out"),
        pytest.param(LOCAL, "http://127.0.0.1:8123/v1/files/f/contents", None, id="a-stand-in"),
        pytest.param(LOCAL, "http://localhost:8123/x", None, id="a-stand-in-by-its-other-name"),
        pytest.param(STRIPE, "/v1/files/f", "https://files.stripe.com/v1/files/f", id="a-path-alone"),
        pytest.param(
            LOCAL,
            "https://files.stripe.com/v1/files/f/contents",
            "http://127.0.0.1:8123/v1/files/f/contents",
            id="a-stand-in-that-names-stripes-file-host",
        ),
    ],
)
def test_the_key_goes_to_stripe_or_to_who_stands_in(hosts: Hosts, url: str, to: str | None) -> None:
    assert hosts.trusted(url) == (to or url)


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        pytest.param(STRIPE, "https://files.stripe.com.evil.example/x", id="a-longer-name"),
        pytest.param(STRIPE, "https://evil.example/files.stripe.com", id="another-host"),
        pytest.param(STRIPE, "http://files.stripe.com/x", id="plain-http"),
        pytest.param(STRIPE, "https://files.stripe.com:8443/x", id="another-port"),
        pytest.param(STRIPE, "https://user:secret@files.stripe.com/x", id="credentials"),
        pytest.param(STRIPE, "https://:secret@files.stripe.com/x", id="a-password-alone"),
        pytest.param(STRIPE, "https://user@files.stripe.com/x", id="a-user-alone"),
        pytest.param(STRIPE, "//evil.example/x", id="a-host-without-a-scheme"),
        pytest.param(STRIPE, "ftp://files.stripe.com/x", id="another-scheme"),
        pytest.param(STRIPE, "file:///etc/passwd", id="a-file"),
        pytest.param(STRIPE, "https://files.stripe.com:port/x", id="no-url-at-all"),
        pytest.param(LOCAL, "http://127.0.0.1:9999/x", id="another-local-port"),
        pytest.param(LOCAL, "https://api.stripe.com/x", id="from-a-stand-in-to-stripe"),
    ],
)
def test_the_key_goes_nowhere_else(hosts: Hosts, url: str) -> None:
    with pytest.raises(UntrustedHostError) as caught:
        hosts.trusted(url)

    assert "secret" not in str(caught.value)


def test_credentials_in_a_url_are_named_as_the_reason() -> None:
    with pytest.raises(
        UntrustedHostError, match="holds a URL with credentials in it; nothing was sent there"
    ):
        STRIPE.trusted("https://user@files.stripe.com/x")


@pytest.mark.parametrize(
    "base",
    [
        "http://api.stripe.com",
        "http://10.0.0.1",
        "ftp://x",
        "",
        "https://u:p@x",
        "https://:p@x",
        "https://x/#/v1",
        "https://x?y=z",
        "https://x:port",
        "https://[::1",
    ],
)
def test_a_base_is_https_or_on_this_machine(base: str) -> None:
    with pytest.raises(ConfigurationError):
        Hosts.of(base)


@pytest.mark.parametrize(
    ("key", "hosts", "mode"),
    [
        ("sk_live_1", STRIPE, Mode.LIVE),
        ("rk_live_1", STRIPE, Mode.LIVE),
        ("sk_test_1", STRIPE, Mode.TEST),
        ("rk_test_1", STRIPE, Mode.TEST),
        ("sk_live_1", LOCAL, Mode.SIMULATED),
        ("anything", LOCAL, Mode.SIMULATED),
    ],
)
def test_the_kind_of_the_key_decides_whose_data_these_are(key: str, hosts: Hosts, mode: Mode) -> None:
    assert mode_of(key, hosts) is mode


@pytest.mark.parametrize("key", ["", "pk_live_1", "whsec_1", "sk_live_1\n", "sk live 1", "sk_live_é"])
def test_a_key_that_cannot_read_reports_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mode_of(key, STRIPE)

    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "no Stripe API key: set STRIPE_API_KEY to a restricted key (rk_live_… or rk_test_…)"),
        (
            "pk_live_1",
            "the Stripe API key is a publishable key (pk_…), which cannot read reports; set STRIPE_",
        ),
        ("sk_org_1", "the Stripe API key is an organisation key (sk_org_…), which the Reporting API v1 does"),
        ("sk_live=1", "the Stripe API key holds an equals sign, which no key has"),
        (
            "whsec_1",
            "the Stripe API key is of no known kind: expected sk_live_…, sk_test_…, rk_live_… or rk_",
        ),
    ],
)
def test_what_is_wrong_with_a_key_is_said(key: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mode_of(key, STRIPE)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("hosts", [STRIPE, LOCAL])
@pytest.mark.parametrize("key", ["sk_org_51ABC", "sk_org_live_51ABC", "sk_org_test_51ABC"])
def test_an_organisation_key_is_refused_and_the_right_one_named(key: str, hosts: Hosts) -> None:
    with pytest.raises(ConfigurationError, match=r"organisation key .* restricted key \(rk_live_") as caught:
        mode_of(key, hosts)

    assert "51ABC" not in str(caught.value)
    assert "51ABC" not in key_kind(key)


def test_of_a_key_only_its_kind_is_ever_shown() -> None:
    assert key_kind("rk_live_51ABCdef") == "rk_live_…"
    assert key_kind("something") == "…"
    assert repr(ApiKey("rk_live_51ABCdef")) == "rk_live_…"
