"""What is wrong with a site, and what to do about it: one shape for readiness and for refusals."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A stable code, what is wrong in words, and what to do: read by somebody who has never done it."""

    code: str
    text: str
    todo: str
