"""The calls that recommend and explain: each a few steps of the pipeline, for one user or for many."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Unpack

import attrs

from qfzz_core.contracts.filters import IdFilter
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.recommendation import Explanation, Recommendation
from qfzz_core.contracts.request import Request
from qfzz_core.errors import ProfileError, RequestError, StoreReadOnlyError, UnknownTrackError, shown
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import iterator_of
from qfzz_core.model.profiles import ProfileSnapshot, checked_user_id
from qfzz_core.model.tracks import Track
from qfzz_core.profiles.live import Profiles
from qfzz_core.recommend.pipeline import Pipeline
from qfzz_core.recommend.query import CommonKeywords, Keywords, Query, checked_threads, shows_keywords
from qfzz_core.recommend.selection import Selection
from qfzz_core.recommend.threads import in_order

logger = logging.getLogger("qfzz.engine")

Preferences = Mapping[str, Any] | None
Recommendations = Generator[Recommendation, None, None]
ListsOfUsers = Generator[tuple[str, list[Recommendation]], None, None]
Answer = tuple[Request, list[Recommendation]]


class Recommender:
    """The half of an `Engine` that reads: what it recommends, and why."""

    def __init__(self, seed: int, pipeline: Pipeline, profiles: Profiles) -> None:
        self._seed = seed
        self._pipeline = pipeline
        self._profiles = profiles
        self._requests: Iterator[int] = itertools.count()
        self._batches: Iterator[int] = itertools.count()

    @shows_keywords
    def recommend(
        self, user_id: str, preferences: Preferences = None, **keywords: Unpack[Keywords]
    ) -> list[Recommendation]:
        """Return recommendations in order; creates the user if there is none.

        `preferences` replace fields of the profile for this call; `Keywords` says what the keywords mean. Raises
        `ProfileError` or `RequestError`, both ValueErrors, before anything else happens.
        """
        request, query = self._next(user_id, preferences, keywords)
        recommendations = self._pipeline.run(request, query, Selection.recommendations)
        self._notify(request, recommendations)
        return recommendations

    @shows_keywords
    def recommend_tracks(
        self, user_id: str, preferences: Preferences = None, **keywords: Unpack[Keywords]
    ) -> list[Track]:
        """Return the dictionaries of what `recommend` returns, and nothing else, which takes less time."""
        if self._pipeline.observers.of_results:
            return [recommendation.track for recommendation in self.recommend(user_id, preferences, **keywords)]
        request, query = self._next(user_id, preferences, keywords)
        tracks = self._pipeline.run(request, query, Selection.tracks)
        _log(request, len(tracks))
        return tracks

    @shows_keywords
    def iter_recommend(
        self, user_id: str, preferences: Preferences = None, **keywords: Unpack[Keywords]
    ) -> Recommendations:
        """Return an iterator over what `recommend` returns: ranked by this call, fetched in blocks as it is read.

        A track that was removed before its turn is left out. Observers are notified of what was read when the reading
        ends. Raises as `recommend` does, in this call.
        """
        request, query = self._next(user_id, preferences, keywords)
        selection = self._pipeline.run(request, query, lambda selection: selection)
        _log(request, len(selection))
        return self._notifying(request, selection) if self._pipeline.observers.of_results else selection.read()

    @shows_keywords
    def recommend_many(
        self,
        user_ids: Iterable[str],
        limit: int | None,
        preferences: Preferences = None,
        *,
        threads: int = 1,
        **keywords: Unpack[CommonKeywords],
    ) -> ListsOfUsers:
        """Return an iterator over (user_id, recommendations), in the order of the users, who may be a generator.

        An unknown user is served by default preferences and not created. What a user gets depends on the seed, the
        number of this batch and the user_id, not on `threads`, 1 or more; several of them take users ahead, a few for
        each. A user id that is not valid raises `ProfileError` with its position in its turn, everything else
        `RequestError` or `ProfileError` in this call. Closing the iterator ends the threads.
        """
        query = self._pipeline.query(preferences, {**keywords, "limit": limit})
        users = iterator_of(user_ids)
        if users is None:
            raise RequestError(f"user_ids must be several user ids, got {shown(user_ids)}")
        threads, batch = checked_threads(threads), f"{self._seed}:{next(self._batches)}"

        # Not seeded by a count: with several threads the order in which users are answered is anybody's guess.
        def answer(numbered: tuple[int, Any]) -> Answer:
            user_id = _checked_in_batch(*numbered)
            request = self._pipeline.profile(self._known(user_id), query, f"{batch}:{user_id}")
            return request, self._pipeline.run(request, query, Selection.recommendations)

        return self._given(in_order(answer, enumerate(users), threads))

    @shows_keywords
    def plan(self, user_id: str, preferences: Preferences = None, **keywords: Unpack[Keywords]) -> Plan:
        """Answer a request as `recommend` does and return how: index or scan, what was looked at, the times.

        An unknown user is ranked for by default and not created.
        """
        query = self._pipeline.query(preferences, keywords)
        request = self._pipeline.profile(self._known(checked_user_id(user_id)), query, f"{self._seed}:plan")
        return self._pipeline.run(request, query, Selection.fetched_plan)

    def explain(
        self,
        user_id: str,
        track_id: str,
        preferences: Preferences = None,
        *,
        context: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """Return why a track has its score for a user; an unknown user is scored by default and not created.

        Raises `UnknownTrackError`, which is a ValueError, for a track that the catalogue lacks.
        """
        query = self._pipeline.query(preferences, {"context": context})
        request = self._pipeline.profile(self._known(checked_user_id(user_id)), query, f"{self._seed}:explain")
        found: list[Recommendation] = []
        wanted = text_of(track_id)
        if wanted is not None:
            # the ranking of this track alone, without a strategy, which might not pick it
            query = attrs.evolve(query, conditions={"track_id": IdFilter(track_ids=[wanted])}, discovers=False)
            found = self._pipeline.run(request, query, Selection.recommendations)
        if not found:
            raise UnknownTrackError(f"the catalogue has no track {shown(track_id)}")
        return found[0].explanation

    # -- steps

    def _create(self, user_id: str) -> None:
        """Make a user who does not exist."""
        raise NotImplementedError

    def _next(self, user_id: str, preferences: Preferences, keywords: Keywords) -> tuple[Request, Query]:
        """Return the next request of the engine, for a user who is created if there is none."""
        query = self._pipeline.query(preferences, keywords)
        user_id = checked_user_id(user_id)
        # Counted for the engine: the same call twice draws other discoveries, and the same calls in the same order draw
        # the same ones.
        seed = f"{self._seed}:{next(self._requests)}"
        profile = self._profiles.snapshot(user_id)
        if profile is None:
            profile = self._created(user_id)
        return self._pipeline.profile(profile, query, seed), query

    def _created(self, user_id: str) -> ProfileSnapshot:
        """Return the profile of a user who is created; where nothing can be stored, a default one, not stored."""
        try:
            self._create(user_id)
        except StoreReadOnlyError as error:
            logger.debug("user %r is served by default preferences and not created: %s", user_id, error)
        return self._known(user_id)

    def _known(self, user_id: str) -> ProfileSnapshot:
        """Return the stored profile of a user, a default one for an unknown user."""
        return self._profiles.snapshot(user_id) or ProfileSnapshot(user_id=user_id)

    def _notify(self, request: Request, recommendations: list[Recommendation]) -> None:
        _log(request, len(recommendations))
        self._pipeline.notify(request, recommendations)

    def _given(self, answers: Generator[Answer, None, None]) -> ListsOfUsers:
        """Iterate the answers of a batch; observers are notified in the thread that reads."""
        with closing(answers):
            for request, recommendations in answers:
                self._notify(request, recommendations)
                yield request.profile.user_id, recommendations

    def _notifying(self, request: Request, selection: Selection) -> Recommendations:
        """Iterate a selection; when the reading ends, observers are notified of what was read."""
        read: list[Recommendation] = []
        try:
            for recommendation in selection.read():
                read.append(recommendation)
                yield recommendation
        finally:
            self._pipeline.notify(request, read)


def _checked_in_batch(position: int, user_id: Any) -> str:
    try:
        return checked_user_id(user_id)
    except ProfileError as error:
        raise ProfileError(f"user_ids[{position}]: {error}") from None


def _log(request: Request, count: int) -> None:
    logger.info("recommended %d tracks", count)
    logger.debug("recommended %d tracks to user %r", count, request.profile.user_id)
