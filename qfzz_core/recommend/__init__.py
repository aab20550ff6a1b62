"""One request, from its arguments to the recommendations and the observers."""
