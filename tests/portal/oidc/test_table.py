"""The table of docs/openid.md: every module of the plans has a test, and every test is there."""

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).parents[3]
BASIC = [
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-ensure-other-scope-order-succeeds",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-server-client-secret-post",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-claims-essential",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
]
CONFIG = ["oidcc-discovery-endpoint-verification"]
LOGOUT = [
    f"oidcc-rp-initiated-logout{name}"
    for name in (
        *("-discovery-endpoint-verification", "", "-bad-post-logout-redirect-uri"),
        *("-modified-id-token-hint", "-bad-id-token-hint", "-no-id-token-hint", "-no-params"),
        *("-no-post-logout-redirect-uri", "-no-state", "-only-state"),
        "-query-added-to-post-logout-redirect-uri",
    )
]


def test_every_module_has_a_test_and_every_test_is_there():
    text = (HOUSE / "docs" / "openid.md").read_text("utf-8")
    rows = re.findall(r"^\| (.+?) \| (test_\w+) \|$", text, re.MULTILINE)
    modules = {rule.strip("`") for rule, _ in rows if rule.startswith("`")}
    assert modules == {*BASIC, *CONFIG, *LOGOUT}
    written = {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.AsyncFunctionDef)
    }
    assert {test for _, test in rows} <= written
    sections = set(re.findall(r"RFC 9700, ([\d.]+)", text))
    assert {"2.1", "2.1.1", "2.1.2", "2.2.2", "2.6", "4.8.2", "4.12", "4.14.2", "4.16"} <= sections
