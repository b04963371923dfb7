"""Calls: the voice process between signalling, sound and the journal."""
