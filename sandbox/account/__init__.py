"""What an account holds: its records, and how they live."""
