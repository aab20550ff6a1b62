"""The trials, one module for each kind of attack: `TRIAL` in each is a `Trial`."""
