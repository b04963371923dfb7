"""Calls as the web process sees them: it checks who asks, the voice process does what is asked."""
