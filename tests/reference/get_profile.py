profile = dj.get_profile("user_001")
if profile:
    print(f"Profile exists for {profile.user_id}")
else:
    print("Profile not found")
