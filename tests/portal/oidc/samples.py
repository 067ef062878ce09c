"""The pages of signing in to other apps, for the gallery's tests."""

from datetime import UTC, datetime

from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from portal.sending import sent_view

NAME = Text(zh="村集体资产管理系统", en="Register of village assets")
LONG = Text(zh="城乡居民基本养老保险待遇领取资格认证", en="Proof of entitlement to a pension")
PERSON = "吴话务"
SCOPES = ["profile", "phone", "posts", "legacy"]
PLAIN = {"app": None, "breadcrumb": ()}


def pages():
    """Each page by name: template, frame and view."""
    form = {"resume": "x", "action": "/x", "person": PERSON}
    why = Phrase("oidc.why.redirect-unknown")
    consent = {"client": "assets", "name": NAME, "scopes": SCOPES[:2]}
    given = {**consent, "given_at": datetime(2026, 3, 5, 9, 30, tzinfo=UTC)}
    views = {
        "oidc_refused": {"why": why, "error": "invalid_request"},
        "oidc_account": {"name": NAME, "may_stay": True, **form},
        "oidc_consent": {"name": LONG, "first_party": False, "scopes": SCOPES, **form},
        "oidc_logout": {"name": NAME, **form},
        "oidc_signed_out": {"signed_in": False},
        "me_clients": {"consents": [given, {**given, "client": "pension", "name": LONG}]},
    }
    found = {name: (f"{name}.html", PLAIN, view) for name, view in views.items()}
    found["me_clients_empty"] = ("me_clients.html", PLAIN, {"consents": []})
    found["oidc_logout_unknown"] = ("oidc_logout.html", PLAIN, {"name": None, **form})
    own = {"name": NAME, "first_party": True, "scopes": SCOPES[:1], **form}
    found["oidc_consent_own"] = ("oidc_consent.html", PLAIN, own)
    back, form = "https://a.example/cb", {"code": "x"}
    found["oidc_sent"] = ("sent_on.html", PLAIN, sent_view(f"{back}?code=x", NAME, "oidc.sent"))
    found["oidc_sent_form"] = ("sent_on.html", PLAIN, sent_view(back, NAME, "oidc.sent", form))
    return found
