# Basic recommendation
recommendations = dj.recommend("user_001")
print(f"Recommended {len(recommendations)} tracks")
for track in recommendations[:5]:
    print(f" {track['title']} by {track['artist']}")
# Recommendation with real-time preferences
preferences = {
    "genres": {"jazz": 0.9, "blues": 0.7},
    "energy_level": 0.4, # Lower energy mood
    "discovery_factor": 0.5
}
relaxed_recs = dj.recommend("user_001", preferences)
