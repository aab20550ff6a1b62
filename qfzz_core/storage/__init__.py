"""What stores share: users as units of work, users kept whole, copies of stores, and users as documents."""
