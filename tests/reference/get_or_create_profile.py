# Get or create with no preferences
profile1 = dj.get_or_create_profile("user_001")
# Get or create with initial preferences
profile2 = dj.get_or_create_profile("user_002", {
    "genres": {
        "rock": 0.8,
        "indie": 0.7,
        "pop": 0.5
    },
    "artists": {
        "The Beatles": 0.9,
        "Pink Floyd": 0.85
    },
    "energy_level": 0.7,
    "discovery_factor": 0.3
})
# Second call returns cached profile
profile2_again = dj.get_or_create_profile("user_002")
assert profile2 is profile2_again
