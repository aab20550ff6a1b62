"""QFZZ: a music recommender that an application embeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfzz_core._moved import serve_names
from qfzz_core._version import __version__ as __version__

if TYPE_CHECKING:
    from qfzz.dj.personalized_dj import PersonalizedDJ as PersonalizedDJ
    from qfzz.dj.profiles import UserProfile as UserProfile

serve_names(__name__, {"dj.personalized_dj": "PersonalizedDJ", "dj.profiles": "UserProfile"}, "__version__")
