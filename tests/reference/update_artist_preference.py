profile.update_artist_preference("Miles Davis", 0.95)
profile.update_artist_preference("John Coltrane", 0.85)
