"""The public API as the console asks it, and the copies of it that readers share."""
