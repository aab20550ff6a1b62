profile.update_artist_preference("The Beatles", 0.95)
profile.update_artist_preference("Pink Floyd", 0.90)
profile.update_artist_preference("David Bowie", 0.85)
top_artists = profile.get_top_artists(2)
print(top_artists) # ['The Beatles', 'Pink Floyd']
