"""QFZZ: a music recommender that an application embeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qfzz_core._version import __version__

if TYPE_CHECKING:
    from qfzz.dj.personalized_dj import PersonalizedDJ
    from qfzz.dj.profiles import UserProfile

__all__ = ["PersonalizedDJ", "UserProfile", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "PersonalizedDJ":
        from qfzz.dj.personalized_dj import PersonalizedDJ

        return PersonalizedDJ
    if name == "UserProfile":
        from qfzz.dj.profiles import UserProfile

        return UserProfile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
