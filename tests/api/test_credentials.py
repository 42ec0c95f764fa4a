"""Where the API key may go."""

import base64

import pytest

from connector.api.credentials import (
    ApiKey,
    Hosts,
    KeyMask,
    is_account,
    is_live,
    key_kind,
    mode_of,
    shown_setting,
)
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


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "https://user@files.stripe.com/x",
            "Stripe's answer holds a URL with credentials in it; nothing was sent there",
        ),
        ("https://[::1", "a URL in Stripe's answer is not a URL: Invalid IPv6 URL"),
        (
            "http://x.example:1/y",
            "asked to fetch from http://x.example, which is neither https://api.stripe.com nor "
            "https://files.stripe.com; the API key was not sent there",
        ),
    ],
)
def test_where_the_key_was_not_sent_and_why_is_said(url: str, said: str) -> None:
    with pytest.raises(UntrustedHostError) as caught:
        STRIPE.trusted(url)

    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("hosts", "api", "files"),
    [
        (Hosts.of(), "https://api.stripe.com", "https://files.stripe.com"),
        (Hosts.of("api.stripe.com/"), "https://api.stripe.com", "https://files.stripe.com"),
        (Hosts.of("localhost:4242"), "http://localhost:4242", "http://localhost:4242"),
        (Hosts.of("[::1]:4242/"), "http://[::1]:4242", "http://[::1]:4242"),
        (Hosts.of("https://127.0.0.1:4242"), "https://127.0.0.1:4242", "https://127.0.0.1:4242"),
        (Hosts.of("localhost.example"), "https://localhost.example", "https://localhost.example"),
        (Hosts.of("https://x.example/stripe/"), "https://x.example/stripe", "https://x.example/stripe"),
        (Hosts.of(files="https://f.example/"), "https://api.stripe.com", "https://f.example"),
    ],
)
def test_files_come_from_stripes_own_host_for_them_or_from_where_the_api_is(
    hosts: Hosts, api: str, files: str
) -> None:
    assert (hosts.api, hosts.files) == (api, files)


_EXPECTED = "expected https://host, or http:// on this machine, without a user, a query or a fragment"


@pytest.mark.parametrize(
    ("api", "files", "said"),
    [
        ("http://x.example", None, f"the API base (STRIPE_API_BASE) http://x.example: {_EXPECTED}"),
        ("https://u@x", None, f"the API base (STRIPE_API_BASE) https://x: {_EXPECTED}"),
        ("https://", None, f"the API base (STRIPE_API_BASE) https://?: {_EXPECTED}"),
        ("https://api.stripe.com", "ftp://x", f"the base for files ftp://x: {_EXPECTED}"),
        (
            "rk_live_51abc",
            None,
            "the API base (STRIPE_API_BASE) is a key, not an address; it was not sent anywhere",
        ),
        (
            "https://x:port",
            None,
            "the API base (STRIPE_API_BASE) is not a URL: Port could not be cast to integer value as 'port'",
        ),
    ],
)
def test_what_is_wrong_with_a_base_is_said(api: str, files: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Hosts.of(api, files)

    assert str(caught.value) == said


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
        (
            "",
            "no Stripe API key: set STRIPE_API_KEY to a restricted key (rk_live_… or rk_test_…), or run "
            "`stripe-reports simulate` and point STRIPE_API_BASE at it",
        ),
        (
            "pk_live_1",
            "the Stripe API key is a publishable key (pk_…), which cannot read reports; set STRIPE_API_KEY "
            "to a restricted key (rk_live_… or rk_test_…)",
        ),
        (
            "sk_org_1",
            "the Stripe API key is an organisation key (sk_org_…), which the Reporting API v1 does not take; "
            "set STRIPE_API_KEY to a restricted key (rk_live_… or rk_test_…) of the account itself",
        ),
        *(
            (key, f"the Stripe API key holds {what}, which no key has; give it as Stripe shows it")
            for key, what in [
                ("sk_live=1", "an equals sign"),
                ('"sk_live_1"', "a quote"),
                ("'sk_live_1'", "a quote"),
                ("sk live 1", "a blank"),
                ("sk_live_1\n", "a line end"),
                ("sk_live_é", "another character"),
            ]
        ),
        (
            "whsec_1",
            "the Stripe API key is of no known kind: expected sk_live_…, sk_test_…, rk_live_… or rk_test_…",
        ),
    ],
)
def test_what_is_wrong_with_a_key_is_said(key: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mode_of(key, STRIPE)

    assert str(caught.value) == said


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
    assert repr(KeyMask("rk_live_51ABCdef")) == "KeyMask(rk_live_…)"
    assert shown_setting("rk_live_51ABCdef") == "rk_live_…"
    assert shown_setting("x" * 81) == repr("x" * 80), "the beginning of what is not a key"


@pytest.mark.parametrize("key", ["rk_live_1", "sk_live_1", "sk_org_live_1"])
def test_a_live_key_is_one_wherever_it_is_sent(key: str) -> None:
    assert is_live(key)
    assert not is_live(key.replace("live", "test"))


@pytest.mark.parametrize(
    ("text", "account"), [("acct_1A2b3C", True), ("acct_", False), ("acct_1-", False), ("xacct_1", False)]
)
def test_an_account_is_known_by_how_its_id_is_written(text: str, account: bool) -> None:
    assert is_account(text) is account


@pytest.mark.parametrize(
    "echoed",
    [
        b"a rk_test_51abcdef z",
        b"a rk%5Ftest%5f51abcdef z",
        b"a rk\\u005ftest_51abcdef z",
        b"a rk&#95;test_51abcdef z",
        b"a rk&#x5f;test_51abcdef z",
    ],
)
def test_a_key_is_masked_in_every_form_in_which_it_is_echoed(echoed: bytes) -> None:
    assert KeyMask("rk_test_51abcdef")(echoed) == "a rk_test_… z".encode()


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_key_is_masked_in_base64_wherever_it_stands(before: str) -> None:
    packed = base64.b64encode(f"{before}rk_test_51abcdefghi:".encode())

    masked = KeyMask("rk_test_51abcdefghi")(packed)

    assert "rk_test_…".encode() in masked
    assert len(masked.replace("rk_test_…".encode(), b"")) <= 8, "what its neighbours decide may stay"
