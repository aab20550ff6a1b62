profile.add_interaction({
    "track_id": "track_001",
    "type": "like",
    "rating": 0.9
})
print(f"Interactions: {len(profile.interaction_history)}")
