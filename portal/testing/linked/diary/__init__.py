"""The old app: a Django project of its own, which imports nothing of the hub and is run with its
folder as the path (`python wsgi.py PORT`), as it ran before there was a hub."""
