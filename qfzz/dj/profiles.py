"""The documented place of `UserProfile`."""

from qfzz_core.profiles import UserProfile

__all__ = ["UserProfile"]
