"""The watch: tries every way in, and says when one is closed, before somebody in need finds it out."""
