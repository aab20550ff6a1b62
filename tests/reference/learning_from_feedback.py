# Initial recommendations without feedback
initial = dj.recommend("new_user")
# User provides feedback
for i, track in enumerate(initial[:10]):
    if track['genre'] == 'jazz':
        dj.record_feedback("new_user", track['track_id'], "like")
    elif track['genre'] == 'rock':
        dj.record_feedback("new_user", track['track_id'], "skip")
    else:
        dj.record_feedback("new_user", track['track_id'], "play")
# Updated recommendations should favor jazz
updated = dj.recommend("new_user")
profile = dj.get_profile("new_user")
print(f"Learned genres: {profile.get_top_genres()}")
