"""What the tap says of an account and of itself before anything is loaded."""
