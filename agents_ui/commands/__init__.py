"""The commands of `muster`, one module each.

A module NAME.py has `add_to(subparsers) -> None`, which adds the parser NAME and sets its default
`run=function(arguments) -> int`, the exit status. agents_ui/cli.py imports only the command that was asked for.
"""
