"""The customer's pages: reporting something (`/f`) and their own ticket (`/t/{token}`)."""
