"""A command on its way to the ticket's workflow: checked, stored, delivered, answered."""
