"""Playing a help desk's event log through the public API: read it, map it to commands, play them, count."""
