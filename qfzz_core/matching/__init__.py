"""From what somebody else's list says of a track to a track of the catalogue."""
