profile.update_mood_preference("calm", 0.8)
profile.update_mood_preference("upbeat", 0.6)
profile.update_mood_preference("energetic", 0.4)
