"""Faults that keep the stack from running, said in one sentence to the person at the terminal."""


class StackError(Exception):
    """The stack cannot start or go on; its text is one sentence with a next step."""
