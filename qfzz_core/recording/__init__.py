"""What happens to users: feedback and edits, each one transaction, and the profiles that show them."""
