"""The settings of the work diary. What its operator sets stands in a file of its own, named by
`DIARY_SETTINGS`."""

import os
from pathlib import Path

SECRET_KEY = "of-the-old-app-alone"  # noqa: S105  (it is run by tests alone)
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "mozilla_django_oidc"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mozilla_django_oidc.middleware.SessionRefresh",
]
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = os.environ["DIARY_FOLDER"]
SESSION_COOKIE_NAME = "diary"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["DIARY_FOLDER"]) / "diary.sqlite3",
    }
}
LOGIN_REDIRECT_URL = "/"
OIDC_CREATE_USER = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"]},
}

exec(Path(os.environ["DIARY_SETTINGS"]).read_text(encoding="utf-8"))  # noqa: S102
