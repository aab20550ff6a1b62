"""The listening histories that services and scrobblers export."""
