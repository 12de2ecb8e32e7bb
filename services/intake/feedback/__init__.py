"""Feedback: judged, promised, numbered and stored; what comes to it later; what is read of it."""
