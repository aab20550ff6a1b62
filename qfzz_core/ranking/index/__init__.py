"""The index: where the best rows of a large catalogue can be, and the search that looks only there."""
