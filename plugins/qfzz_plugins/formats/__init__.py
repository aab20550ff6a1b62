"""Files of tracks that are read, and playlists that are written."""
