"""The rules of Bihuan, as sentences."""
