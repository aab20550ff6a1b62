from qfzz.dj.personalized_dj import PersonalizedDJ
# Initialize DJ
dj = PersonalizedDJ()
# Create profiles with initial preferences
dj.get_or_create_profile("alice", {
    "genres": {"jazz": 0.9, "blues": 0.8, "soul": 0.7},
    "energy_level": 0.4,
    "discovery_factor": 0.2
})
dj.get_or_create_profile("bob", {
    "genres": {"rock": 0.9, "indie": 0.8},
    "energy_level": 0.8,
    "discovery_factor": 0.5
})
# Add content catalog
sample_tracks = [
    {
        "track_id": f"track_{i:04d}",
        "title": f"Track {i}",
        "artist": f"Artist {i % 5}",
        "genre": ["jazz", "blues", "rock", "pop"][i % 4],
        "mood": ["calm", "upbeat", "energetic", "mellow"][i % 4],
        "energy": (i % 10) / 10.0,
        "tempo": ["slow", "medium", "fast"][i % 3],
        "duration": 200 + (i % 100) * 2,
        "content_id": f"content_{i:04d}",
        "creator_id": f"creator_{i % 3}"
    }
    for i in range(100)
]
dj.add_content(sample_tracks)
# Generate recommendations
print("=== Alice's Recommendations ===")
alice_recs = dj.recommend("alice")
for track in alice_recs[:3]:
    print(f" {track['title']} ({track['genre']}, energy: {track['energy']:.1f})")
print("\n=== Bob's Recommendations ===")
bob_recs = dj.recommend("bob")
for track in bob_recs[:3]:
    print(f" {track['title']} ({track['genre']}, energy: {track['energy']:.1f})")
# Record feedback
dj.record_feedback("alice", alice_recs[0]['track_id'], "like", rating=0.9)
dj.record_feedback("alice", alice_recs[1]['track_id'], "skip")
dj.record_feedback("bob", bob_recs[0]['track_id'], "favorite")
# Check updated profiles
alice_profile = dj.get_profile("alice")
print(f"\n=== Alice's Profile ===")
print(f"Top genres: {alice_profile.get_top_genres(3)}")
print(f"Interactions: {len(alice_profile.interaction_history)}")
