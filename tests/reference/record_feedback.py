# Record basic feedback
dj.record_feedback("user_001", "track_001", "play")
dj.record_feedback("user_001", "track_002", "like")
dj.record_feedback("user_001", "track_003", "skip")
dj.record_feedback("user_001", "track_004", "dislike")
dj.record_feedback("user_001", "track_005", "favorite")
# Record with explicit rating
dj.record_feedback("user_001", "track_006", "play", rating=0.95)
dj.record_feedback("user_001", "track_007", "play", rating=0.2)
# View updated profile
profile = dj.get_profile("user_001")
print(f"Interaction history: {len(profile.interaction_history)} entries")
