from qfzz.dj.profiles import UserProfile
# Create with defaults
profile1 = UserProfile(user_id="user_001")
# Create with custom preferences
profile2 = UserProfile(
    user_id="user_002",
    genres={"rock": 0.8, "indie": 0.6},
    artists={"The Beatles": 0.9},
    energy_level=0.7,
    tempo_preference="fast",
    discovery_factor=0.5
)
