"""The customer's chat: its socket, its files, what its page is shown."""
