profile = dj.get_or_create_profile("user_001")
profile.update_genre_preference("jazz", 0.9)
profile.update_genre_preference("blues", 0.7)
profile.update_genre_preference("pop", 0.4)
