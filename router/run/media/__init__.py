"""The sound of calls: legs to telephones and browsers, what joins them, and what records them."""
