"""Filters of `where` that look at what a user did."""
