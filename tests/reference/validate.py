try:
    profile = UserProfile(
        user_id="", # Invalid!
        energy_level=0.5
    )
except ValueError as e:
    print(f"Validation error: {e}")
