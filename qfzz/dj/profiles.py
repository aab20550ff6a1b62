"""The documented place of `UserProfile`."""

from qfzz_core.model.profiles import UserProfile

__all__ = ["UserProfile"]
