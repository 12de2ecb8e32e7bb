"""Links of customers to their own tickets: signed, handed over, revoked."""
