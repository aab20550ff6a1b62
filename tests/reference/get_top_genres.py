profile = dj.get_or_create_profile("user_001", {
    "genres": {
        "rock": 0.9,
        "indie": 0.8,
        "pop": 0.6,
        "jazz": 0.5,
        "classical": 0.3
    }
})
top_genres = profile.get_top_genres(3)
print(top_genres) # ['rock', 'indie', 'pop']
