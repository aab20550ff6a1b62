profile_dict = profile.to_dict()
print(profile_dict)
# {
# 'user_id': 'user_001',
# 'genres': {'rock': 0.9, ...},
# 'artists': {'The Beatles': 0.95, ...},
# 'energy_level': 0.7,
# 'discovery_factor': 0.3,
# 'interaction_history': [...],
# 'created_at': '2024-01-15T10:30:00',
# 'updated_at': '2024-01-15T10:35:00'
# }
