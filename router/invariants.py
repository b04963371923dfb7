"""What must always hold in the core. Broken: the router rebuilds it from the tables (DESIGN section 3)."""


class RoutingError(Exception):
    """Our own mistake, with ids and values in the message."""


class InvariantBroken(RoutingError):
    """The state in memory cannot be trusted any more."""
