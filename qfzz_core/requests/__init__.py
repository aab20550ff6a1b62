"""One request: from the arguments of a call to recommendations that explain themselves."""
