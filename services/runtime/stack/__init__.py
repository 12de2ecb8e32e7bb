"""The local stack: the servers and processes of a machine without any, started, watched and stopped as one."""
