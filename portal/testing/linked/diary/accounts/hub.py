"""How the diary knows who has signed in: by the id that it always had for them."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class HubBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # it carries no types
    """Finds the account of somebody who has signed in; it makes none."""

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        """Return the account under the old id of a person."""
        return self.UserModel.objects.filter(username=claims.get("legacy_id", ""))


def logout_url(request: Any) -> str:
    """Return where the browser goes once the diary has signed somebody out."""
    asked = {
        "id_token_hint": request.session["oidc_id_token"],
        "post_logout_redirect_uri": request.build_absolute_uri("/"),
    }
    return f"{settings.OIDC_OP_LOGOUT_ENDPOINT}?{urlencode(asked)}"
