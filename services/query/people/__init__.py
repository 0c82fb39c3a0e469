"""Who may see and do what: accounts, how they sign in, and what is written down of them."""
