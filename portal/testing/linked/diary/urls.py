"""The pages of the work diary."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path


@login_required  # type: ignore[untyped-decorator]  # it carries no types
def home(request: Any) -> Any:
    """Show whose diary it is, and the way out."""
    return HttpResponse(
        f"<p>diary of {request.user.username}</p>"
        f'<form method="post" action="/oidc/logout/"><input name="csrfmiddlewaretoken" '
        f'value="{get_token(request)}" type="hidden"><button>Sign out</button></form>'
    )


urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]
