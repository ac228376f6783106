import pytest

pytest.importorskip("starlette", reason="the extra `serving` is not installed")

from starlette.datastructures import Headers

from deepfake_adv.serving.guard import LOCAL, Guard, allowed_hosts, is_local, without_port


def refused(headers, path="/score", hosts=LOCAL, token=None):
    found = Guard(None, hosts, token, frozenset({"/score"})).refusal(Headers(headers), path)
    return found and found[0]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_this_machines_names_are_answered(host):
    assert refused({"host": host}) is None


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "", "localhost.evil.example", "[::2]"])
def test_a_name_that_was_made_to_point_here_is_refused(host):
    """DNS rebinding: the browser believes to talk to the other site, and says so in Host."""
    assert refused({"host": host}) == 421
    assert refused({"host": host}, path="/") == 421
    assert refused({"host": host}, hosts=None) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_sites_requests_are_refused(headers):
    assert refused({"host": "localhost:8000", **headers}) == 403
    assert refused({"host": "localhost:8000", **headers}, path="/") is None  # a link to the page is no harm


def test_the_own_pages_requests_and_programs_are_answered():
    assert (
        refused({"host": "localhost:8000", "origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}) is None
    )
    assert refused({"host": "localhost:8000"}) is None


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("Basic secret", 401),
        ("Bearer é", 401),
        ("Bearer secret", None),
    ],
)
def test_the_token_is_demanded(given, status):
    assert refused({"host": "a.example", "authorization": given}, hosts=None, token="secret") == status
    assert refused({"host": "a.example"}, path="/", hosts=None, token="secret") is None


def test_which_addresses_others_reach():
    assert all(map(is_local, ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"]))
    assert not any(map(is_local, ["0.0.0.0", "::", "192.168.0.7", "a.example", ""]))


def test_which_names_are_allowed():
    assert allowed_hosts("127.0.0.1", ["A.example"]) == LOCAL | {"a.example"}
    assert allowed_hosts("::1", []) == LOCAL
    assert allowed_hosts("127.0.0.2", []) == LOCAL | {"127.0.0.2"}
    assert allowed_hosts("0.0.0.0", []) is None
    assert allowed_hosts("0.0.0.0", ["a.example"]) == {"a.example"}
    assert without_port("[::1]") == "[::1]"
