"""What holds under attack: trials that break things around the library, and what came of each."""
