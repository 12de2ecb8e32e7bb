"""One module a command of `python -m services.run`; each has a function `command` that the command line shows."""
