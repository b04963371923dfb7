"""Webhooks of providers: see README.md."""
