"""The pure core that decides, and the adapters around it that read, write and deliver."""
