# SPDX-License-Identifier: Apache-2.0
"""Login form, OAuth endpoints, and /me: a protected resource that says whose token it was shown."""
from django.contrib.auth.views import LoginView
from django.http import JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource


@protected_resource(scopes=["read"])
def me(request):
    return JsonResponse({"sub": request.resource_owner.get_username()})


urlpatterns = [
    path("accounts/login/", LoginView.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("me", me),
]
