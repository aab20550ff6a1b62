"""From files of other people to valid tracks: reading, mapping, deriving, counting; no engine and no store."""
