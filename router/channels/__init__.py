"""One module a provider: translate what arrives, carry out what is to be sent. No opinions."""
