"""Mail: taken by SMTP, read in limited children, answered. Real sockets, hostile senders."""
