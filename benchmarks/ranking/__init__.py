"""What an exact ranking costs, against the ways in which others would do it."""
