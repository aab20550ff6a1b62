"""What happens to users: feedback and edits, each one transaction, and the live profiles that show them."""
