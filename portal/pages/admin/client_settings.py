"""What to set in an app for it to sign in by this hub: text to copy, with the client's values."""

from typing import Final

import msgspec

from core.identity.provider.discovery import PATHS, WELL_KNOWN
from core.identity.provider.models import Client

OTHER: Final = "other"
PLACEHOLDER: Final = "CLIENT_SECRET"


class Addresses(msgspec.Struct, frozen=True):
    """The addresses at which an app is answered, from where it is reached."""

    redirect: str
    left: str = ""
    signed_out: str | None = None


class Stack(msgspec.Struct, frozen=True):
    """A common way of signing in: the paths that its library answers at, and its settings. Names
    in `{{…}}` are filled in."""

    name: str
    redirect: str
    text: str
    signed_out: str = ""

    def addresses(self, base: str) -> Addresses:
        """Return the addresses of an app that is reached at `base`."""
        base = base.rstrip("/")
        back = base + self.signed_out if self.signed_out else None
        return Addresses(base + self.redirect, f"{base}/", back)


STACKS: Final = {
    "spring": Stack(
        "Spring Security",
        "/login/oauth2/code/yimen",
        """\
# application.yml
spring:
  security:
    oauth2:
      client:
        registration:
          yimen:
            client-id: {{id}}
            client-secret: "{{secret}}"
            client-authentication-method: {{method}}
            authorization-grant-type: authorization_code
            redirect-uri: "{{redirect}}"
            scope: {{scopes_comma}}
        provider:
          yimen:
            issuer-uri: {{issuer}}
            user-name-attribute: sub

// SecurityConfig.java: PKCE, which Spring Security 6 leaves out of clients with a secret
@Bean
SecurityFilterChain chain(HttpSecurity http, ClientRegistrationRepository clients)
        throws Exception {
    var asks = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
    asks.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
    return http
        .authorizeHttpRequests(all -> all.anyRequest().authenticated())
        .oauth2Login(login -> login.authorizationEndpoint(
            at -> at.authorizationRequestResolver(asks)))
        .build();
}
""",
    ),
    "django": Stack(
        "Django (mozilla-django-oidc)",
        "/oidc/callback/",
        """\
# settings.py
INSTALLED_APPS += ["mozilla_django_oidc"]
AUTHENTICATION_BACKENDS = ["accounts.hub.HubBackend"]
LOGIN_URL = "oidc_authentication_init"
LOGOUT_REDIRECT_URL = "/"
OIDC_RP_CLIENT_ID = "{{id}}"
OIDC_RP_CLIENT_SECRET = "{{secret}}"
OIDC_TOKEN_USE_BASIC_AUTH = {{basic}}
OIDC_RP_SIGN_ALGO = "{{algorithm}}"
OIDC_RP_SCOPES = "{{scopes}}"
OIDC_USE_PKCE = True
OIDC_OP_AUTHORIZATION_ENDPOINT = "{{authorize}}"
OIDC_OP_TOKEN_ENDPOINT = "{{token}}"
OIDC_OP_USER_ENDPOINT = "{{userinfo}}"
OIDC_OP_JWKS_ENDPOINT = "{{jwks}}"
OIDC_STORE_ID_TOKEN = True
OIDC_OP_LOGOUT_ENDPOINT = "{{end_session}}"
OIDC_OP_LOGOUT_URL_METHOD = "accounts.hub.logout_url"

# urls.py
path("oidc/", include("mozilla_django_oidc.urls")),

# accounts/hub.py: people are known by user name, for the hub keeps no e-mail addresses
from urllib.parse import urlencode
from django.conf import settings
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

class HubBackend(OIDCAuthenticationBackend):
    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["preferred_username"])

    def get_username(self, claims):
        return claims["preferred_username"]

def logout_url(request):
    return f"{settings.OIDC_OP_LOGOUT_ENDPOINT}?" + urlencode({
        "id_token_hint": request.session["oidc_id_token"],
        "post_logout_redirect_uri": request.build_absolute_uri("/"),
    })
""",
    ),
    "apache": Stack(
        "Apache (mod_auth_openidc)",
        "/oidc",
        """\
# a reverse proxy before an app that reads REMOTE_USER or a header; a2enmod auth_openidc proxy_http
OIDCProviderMetadataURL {{discovery}}
OIDCClientID {{id}}
OIDCClientSecret "{{secret}}"
OIDCProviderTokenEndpointAuth {{method}}
OIDCRedirectURI {{redirect}}
OIDCCryptoPassphrase "a long random text of your own"
OIDCPKCEMethod S256
OIDCScope "{{scopes}}"
OIDCRemoteUserClaim preferred_username
OIDCPassClaimsAs headers
<Location "/">
  AuthType openid-connect
  Require valid-user
</Location>
ProxyPass "/oidc" "!"
ProxyPass "/" "http://127.0.0.1:8080/"
# to sign out, link to {{redirect}}?logout={{left}}
""",
        signed_out="/oidc?logout=backchannel",
    ),
    "php": Stack(
        "PHP (jumbojett/openid-connect-php)",
        "/login.php",
        """\
<?php  // login.php; composer require jumbojett/openid-connect-php
require __DIR__ . '/vendor/autoload.php';
session_start();
$oidc = new Jumbojett\\OpenIDConnectClient('{{issuer}}', '{{id}}', '{{secret}}');
$oidc->setRedirectURL('{{redirect}}');
$oidc->setCodeChallengeMethod('S256');
$oidc->addScope(explode(' ', '{{scopes}}'));
$oidc->authenticate();
session_regenerate_id(true);
$_SESSION['user'] = $oidc->requestUserInfo('preferred_username');
header('Location: {{left}}');
""",
    ),
}


def to_copy(client: Client, issuer: str, secret: str = PLACEHOLDER) -> list[tuple[str, str]]:
    """Return the settings for each stack, by its name, the one first whose address the client is
    registered with. A client that signs nobody in, or keeps no secret, has none."""
    if not client.redirect_uris or client.authentication == "none":
        return []
    redirect = client.redirect_uris[0]
    values = {
        "id": client.id,
        "secret": secret,
        "method": client.authentication,
        "basic": str(client.authentication == "client_secret_basic"),
        "algorithm": client.algorithm,
        "issuer": issuer,
        "discovery": issuer + WELL_KNOWN,
        "authorize": issuer + PATHS["authorization_endpoint"],
        "token": issuer + PATHS["token_endpoint"],
        "userinfo": issuer + PATHS["userinfo_endpoint"],
        "jwks": issuer + PATHS["jwks_uri"],
        "end_session": issuer + PATHS["end_session_endpoint"],
        "redirect": redirect.replace("'", "%27"),
        "left": (client.post_logout_uris or ["/"])[0].replace("'", "%27"),
        "scopes": " ".join(client.scopes),
        "scopes_comma": ", ".join(client.scopes),
    }
    first = sorted(STACKS.values(), key=lambda stack: not redirect.endswith(stack.redirect))
    return [(stack.name, _filled(stack.text, values)) for stack in first]


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text
