"""Ranking: from prepared factors to the eligible tracks in order, exactly."""
