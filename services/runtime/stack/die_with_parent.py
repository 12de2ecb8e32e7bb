"""Become another program that ends when its parent ends.

Use: `python -I -S die_with_parent.py PARENT SIGNAL ACCOUNT PROGRAM...`.

A program of its own, and no `preexec_fn`, because code between fork and exec is not safe in a process with threads.
It drops the account itself, so that only the program behind it must be readable for that account.
"""

import ctypes
import os
import pwd
import signal
import sys

_SET_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of Linux; it survives exec, and is cleared by a change of account: so it is set after that."""


def main() -> None:
    """Replace this process by PROGRAM, run by ACCOUNT (`-` keeps it); SIGNAL reaches it when PARENT, a pid, dies."""
    parent, signal_name, account, *program = sys.argv[1:]
    if account != "-":
        entry = pwd.getpwnam(account)
        os.initgroups(account, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ["HOME"] = "/"
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, signal.Signals[signal_name].value, 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit(1)  # the parent died before the kernel was asked
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
