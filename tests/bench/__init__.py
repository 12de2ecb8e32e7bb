"""`make bench`: figures of this machine, ours beside a floor measured in the same run. Nothing here is asserted."""
