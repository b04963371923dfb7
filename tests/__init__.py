"""What others rely on, tested: events in, decisions out; bytes on the wire; text on the page."""
