"""What the tests share: processes and servers that they start, cases, and rivals of the engine in plain Python."""
