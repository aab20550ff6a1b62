new_tracks = [
    {
        "track_id": "trk_001",
        "title": "Moonlight Sonata",
        "artist": "Ludwig van Beethoven",
        "album": "Piano Sonatas",
        "genre": "classical",
        "mood": "calm",
        "energy": 0.3,
        "tempo": "slow",
        "duration": 480,
        "content_id": "content_001",
        "creator_id": "creator_001"
    },
    {
        "track_id": "trk_002",
        "title": "Take Five",
        "artist": "Dave Brubeck Quartet",
        "album": "Time Out",
        "genre": "jazz",
        "mood": "upbeat",
        "energy": 0.7,
        "tempo": "medium",
        "duration": 324,
        "content_id": "content_002",
        "creator_id": "creator_002"
    }
]
dj.add_content(new_tracks)
