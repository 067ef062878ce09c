"""What the provider says of itself (OpenID Connect Discovery 1.0; RFC 8414)."""

from typing import Any, Final

from core.identity.provider import requests, scopes
from core.identity.provider.claims import ACR_VALUES
from core.identity.provider.clients import GRANTS
from core.identity.provider.server import METHODS

PATHS: Final = {
    "authorization_endpoint": "/oidc/authorize",
    "token_endpoint": "/oidc/token",
    "userinfo_endpoint": "/oidc/userinfo",
    "jwks_uri": "/oidc/jwks",
    "introspection_endpoint": "/oidc/introspect",
    "revocation_endpoint": "/oidc/revoke",
    "end_session_endpoint": "/oidc/logout",
}
WELL_KNOWN: Final = "/.well-known/openid-configuration"
WELL_KNOWN_OAUTH: Final = "/.well-known/oauth-authorization-server"
OF_SIGN_IN: Final = ("sid", "auth_time", "acr", "amr", "nonce", "iss", "aud", "exp", "iat")


def metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of the provider whose issuer this is."""
    secret = list(METHODS[:2])
    return {
        "issuer": issuer,
        **{name: f"{issuer}{path}" for name, path in PATHS.items()},
        "scopes_supported": list(scopes.PERSONAL),
        "response_types_supported": ["code"],
        "response_modes_supported": list(requests.MODES),
        "grant_types_supported": list(GRANTS),
        "acr_values_supported": list(ACR_VALUES),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": secret,
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "claim_types_supported": ["normal"],
        "claims_supported": [*scopes.SCOPE_OF, *OF_SIGN_IN],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "prompt_values_supported": sorted(requests.PROMPTS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": ["zh-CN", "en"],
    }
