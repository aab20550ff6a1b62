"""What a store costs beyond its database: each figure against the same work done with nothing but the driver."""
