"""The documented face of the engine: dictionaries in, dictionaries out."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Unpack

from qfzz_core.config import Config, load_config
from qfzz_core.contracts.recommendation import Explanation
from qfzz_core.contracts.stores import Store
from qfzz_core.engine import Engine
from qfzz_core.errors import RequestError, shown
from qfzz_core.model.learning import publisher
from qfzz_core.model.names import text_of
from qfzz_core.model.profiles import UserProfile
from qfzz_core.recommend.query import CommonKeywords, Keywords, shows_keywords

logger = logging.getLogger("qfzz.dj")


class PersonalizedDJ:
    """A personal DJ for every user of an application.

    `store` is a URL (`memory:`, the default, or such as `sqlite:///music.db`) or a store; `config` the path of a
    configuration file or a loaded `Config`; `plugins` are objects with hook implementations; `seed` makes the lists
    repeatable. A context manager: `close()` releases the store. Methods may be called from several threads.
    """

    def __init__(
        self,
        *,
        store: str | Store | None = None,
        config: str | os.PathLike[str] | Config | None = None,
        plugins: Iterable[Any] = (),
        seed: int | None = None,
    ) -> None:
        loaded = config if config is None or isinstance(config, Config) else load_config(config)
        self.engine = Engine(store=store, config=loaded, plugins=plugins, seed=seed)
        logger.info("PersonalizedDJ initialised")

    def close(self) -> None:
        """Release the store; called twice it does nothing."""
        self.engine.close()

    def __enter__(self) -> PersonalizedDJ:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def _user_profiles(self) -> Mapping[str, UserProfile]:
        return self.engine.live_profiles

    def get_or_create_profile(self, user_id: str, initial_preferences: dict[str, Any] | None = None) -> UserProfile:
        """Return a user's live profile, making the user first if there is none; raises ValueError."""
        return self.engine.get_or_create_profile(user_id, initial_preferences)

    def get_profile(self, user_id: str) -> UserProfile | None:
        """Return a user's live profile, None if there is none."""
        return self.engine.get_profile(user_id)

    def edit(self, user_id: str) -> AbstractContextManager[UserProfile]:
        """Give a profile whose changes are committed together at the end of the block, none if it raises."""
        return self.engine.edit(user_id)

    def forget(self, user_id: str) -> bool:
        """Erase everything known of a user; False if there was nobody of this id."""
        return self.engine.forget(user_id)

    @shows_keywords
    def recommend(
        self, user_id: str, preferences: dict[str, Any] | None = None, **keywords: Unpack[Keywords]
    ) -> list[dict[str, Any]]:
        """Return recommended tracks as dictionaries of the caller's own.

        `preferences` replace fields of the profile for this call. The keywords are `limit`, how many, None for the
        documented process over the whole catalogue; `exclude`, track ids; `where`, which maps columns and filters to
        what they must be; `max_per_artist` and `distinct`, which keep the best-ranked; `context`, which is passed to
        the plugins. Raises ValueError, before anything else happens, for what is not valid.
        """
        return self.engine.recommend_tracks(user_id, preferences, **keywords)

    @shows_keywords
    def iter_recommend(
        self, user_id: str, preferences: dict[str, Any] | None = None, **keywords: Unpack[Keywords]
    ) -> Generator[dict[str, Any], None, None]:
        """Return an iterator over what `recommend` returns, whose dictionaries are fetched as it is read.

        Takes the same arguments, and raises as `recommend` does. A track that was removed before its turn is left out.
        """
        return (found.track for found in self.engine.iter_recommend(user_id, preferences, **keywords))

    @shows_keywords
    def recommend_many(
        self,
        user_ids: Iterable[str],
        limit: int | None,
        preferences: dict[str, Any] | None = None,
        *,
        threads: int = 1,
        **keywords: Unpack[CommonKeywords],
    ) -> Generator[tuple[str, list[dict[str, Any]]], None, None]:
        """Return an iterator over (user_id, recommended tracks) for many users, in their order, who are not created.

        Takes the keywords of `recommend`. The results do not depend on how many threads share the work. Raises
        ValueError; for a user id that is not valid in its turn, with its position.
        """
        found = self.engine.recommend_many(user_ids, limit, preferences, threads=threads, **keywords)
        return ((user_id, [each.track for each in recommendations]) for user_id, recommendations in found)

    def explain(
        self,
        user_id: str,
        track_id: str,
        preferences: Mapping[str, Any] | None = None,
        *,
        context: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """Return why a track has its score for a user, factor by factor; raises ValueError for an unknown track."""
        return self.engine.explain(user_id, track_id, preferences, context=context)

    def record_feedback(
        self,
        user_id: str,
        track_id: str,
        interaction_type: str,
        rating: float | None = None,
        *,
        event_id: str | None = None,
        timestamp: str | datetime | None = None,
    ) -> None:
        """Record feedback and learn from it, durably when the call returns; raises ValueError, nothing changed.

        An event of the same `event_id` is applied once. `timestamp` says when it happened, an aware datetime or
        ISO-8601 with offset, at most a day ahead of the clock; None means now.
        """
        self.engine.record_feedback(user_id, track_id, interaction_type, rating, event_id=event_id, timestamp=timestamp)

    def record_many(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Record many feedbacks, mappings of `record_feedback`'s parameters, all or nothing; return how many were new.

        Raises `FeedbackError`, a ValueError, whose `position` is that of the first bad one.
        """
        return self.engine.record_many(events)

    def retract(self, user_id: str, event_id: str) -> bool:
        """Make everything as if the feedback of this event id had never been recorded; False if there is none.

        The id stays used, so that recording the same event again changes nothing. Raises ValueError for what is no id.
        """
        return self.engine.retract(user_id, event_id)

    def get_trust_score(self, user_id: str, creator_id: str | None = None, *, artist: str | None = None) -> float:
        """Return how far a user can trust a creator, in [0, 1]; 0.5 before any feedback.

        `artist` instead of `creator_id` asks about the tracks of an artist that name no creator. Raises ValueError for
        ids that are no text.
        """
        creator, name = (_text(what, value) for what, value in (("creator_id", creator_id), ("artist", artist)))
        return self.engine.learned("trust", user_id, publisher(creator, name))

    def add_content(self, tracks: list[dict[str, Any]]) -> None:
        """Add tracks to the catalogue, or replace those whose track_id is there; raises ValueError, nothing changed."""
        self.engine.add_content(tracks)

    def get_track(self, track_id: str) -> dict[str, Any] | None:
        """Return a copy of a track, None if there is none of this id."""
        return self.engine.get_track(track_id)

    def remove_content(self, track_ids: Iterable[str]) -> int:
        """Remove tracks and return how many there were; unknown ids are no error."""
        return self.engine.remove_content(track_ids)


def _text(what: str, value: Any) -> str:
    """Return a string as it is, an empty one for None; raises `RequestError` for anything else."""
    text = "" if value is None else text_of(value)
    if text is None:
        raise RequestError(f"{what} must be text, got {shown(value)}")
    return text
