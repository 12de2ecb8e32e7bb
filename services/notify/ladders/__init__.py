"""Alert ladders: written, stored, previewed, and the choice of the step that is told."""
