"""Answering the requests of one engine: whose profile, which seed, which snapshot, and who is told."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, TypeVar

import attrs

from qfzz_core.catalogue.library import Library
from qfzz_core.catalogue.snapshot import StaleCatalogueError
from qfzz_core.contracts.columns import as_rows
from qfzz_core.contracts.plan import Plan
from qfzz_core.contracts.recommendation import Explanation, Recommendation
from qfzz_core.contracts.request import Request
from qfzz_core.errors import ProfileError, RequestError, UnknownTrackError
from qfzz_core.model.profiles import ProfileSnapshot, checked_user_id
from qfzz_core.model.tracks import Track
from qfzz_core.profiles.live import Profiles
from qfzz_core.recommend.making import RequestMaker
from qfzz_core.recommend.observers import Observers
from qfzz_core.recommend.ordered import in_order
from qfzz_core.recommend.query import Query
from qfzz_core.recommend.recommending import Recommending
from qfzz_core.recommend.selection import Selection

logger = logging.getLogger("qfzz.engine")

T = TypeVar("T")
Answer = tuple[Request, list[Recommendation]]

ATTEMPTS = 5  # how often a request begins again because tracks were removed while it ran


@attrs.define(eq=False)
class Answering:
    """Answers the requests of one engine; `create` makes a user who does not exist. User ids are valid already."""

    seed: int
    make: RequestMaker
    library: Library
    profiles: Profiles
    recommending: Recommending
    observers: Observers
    create: Callable[[str], None]
    _requests: Iterator[int] = attrs.field(factory=itertools.count)
    _batches: Iterator[int] = attrs.field(factory=itertools.count)

    def recommend(self, user_id: str, query: Query) -> list[Recommendation]:
        """Return the recommendations; creates the user if there is none."""
        request = self._next_request(user_id, query)
        recommendations = self._answered(request, query, Selection.recommendations)
        self._tell(request, recommendations)
        return recommendations

    def tracks(self, user_id: str, query: Query) -> list[Track]:
        """Return the dictionaries of what `recommend` would return."""
        if self.observers.of_results:
            return [recommendation.track for recommendation in self.recommend(user_id, query)]
        tracks = self._answered(self._next_request(user_id, query), query, Selection.tracks)
        _log(user_id, len(tracks))
        return tracks

    def iterate(self, user_id: str, query: Query) -> Generator[Recommendation, None, None]:
        """Return an iterator over what `recommend` would return, ranked now and fetched as it is read."""
        request = self._next_request(user_id, query)
        selection = self._answered(request, query, lambda selection: selection)
        _log(user_id, len(selection))
        return self._read(request, selection) if self.observers.of_results else selection.read()

    def many(
        self, user_ids: Iterable[Any], query: Query, threads: int
    ) -> Generator[tuple[str, list[Recommendation]], None, None]:
        """Return an iterator over each user and what is recommended to them, in the order given; creates nobody."""
        batch = next(self._batches)

        def answer(numbered: tuple[int, Any]) -> Answer:
            user_id = _checked_in_batch(*numbered)
            request = self.make.made(query, self._profile(user_id), f"{self.seed}:{batch}:{user_id}")
            return request, self._answered(request, query, Selection.recommendations)

        return self._given(in_order(answer, enumerate(user_ids), threads))

    def plan(self, user_id: str, query: Query) -> Plan:
        """Return how what `recommend` would return is ranked; creates nobody, and nobody is told."""
        request = self.make.made(query, self._profile(user_id), f"{self.seed}:plan")
        plan, spent = self._answered(request, query, _fetched)
        plan.seconds["fetch"] = spent
        return plan

    def explain(self, user_id: str, track_id: str, query: Query) -> Explanation:
        """Return why a track has its score; raises `UnknownTrackError` for one that the catalogue lacks."""
        snapshot = self.library.snapshot()
        row = snapshot.row(track_id) if isinstance(track_id, str) else None
        if row is None:
            raise UnknownTrackError(f"the catalogue has no track {track_id!r}")
        request = self.make.made(query, self._profile(user_id), f"{self.seed}:explain")
        account = self.recommending.account(snapshot, request)
        try:
            return account.explain(row, snapshot.fetch(as_rows([row]))[0])
        except StaleCatalogueError:
            raise UnknownTrackError(f"the track {track_id!r} was removed meanwhile") from None

    # -- steps

    def _next_request(self, user_id: str, query: Query) -> Request:
        seed = f"{self.seed}:{next(self._requests)}"
        profile = self.profiles.snapshot(user_id)
        if profile is None:
            self.create(user_id)
            profile = self._profile(user_id)
        return self.make.made(query, profile, seed)

    def _profile(self, user_id: str) -> ProfileSnapshot:
        return self.profiles.snapshot(user_id) or ProfileSnapshot(user_id=user_id)

    def _answered(self, request: Request, query: Query, give: Callable[[Selection], T]) -> T:
        for _ in range(ATTEMPTS):
            try:
                return give(self.recommending.select(self.library.snapshot(), request, query))
            except StaleCatalogueError:
                continue
        raise RequestError("the catalogue changed faster than the request could be answered; try again")

    def _tell(self, request: Request, recommendations: list[Recommendation]) -> None:
        _log(request.profile.user_id, len(recommendations))
        self.observers.recommended(request, recommendations)

    def _given(self, answers: Generator[Answer, None, None]) -> Generator[tuple[str, list[Recommendation]], None, None]:
        """Iterate the answers of a batch; the observers are told in the thread of whoever reads."""
        with closing(answers):
            for request, recommendations in answers:
                self._tell(request, recommendations)
                yield request.profile.user_id, recommendations

    def _read(self, request: Request, selection: Selection) -> Generator[Recommendation, None, None]:
        """Iterate a selection; when the reading ends, the observers are told of what was read."""
        read: list[Recommendation] = []
        try:
            for recommendation in selection.read():
                read.append(recommendation)
                yield recommendation
        finally:
            self.observers.recommended(request, read)


def _fetched(selection: Selection) -> tuple[Plan, float]:
    start = time.perf_counter()
    selection.tracks()
    return selection.plan, time.perf_counter() - start


def _checked_in_batch(position: int, user_id: Any) -> str:
    try:
        return checked_user_id(user_id)
    except ProfileError as error:
        raise ProfileError(f"user_ids[{position}]: {error}") from None


def _log(user_id: str, count: int) -> None:
    logger.info("recommended %d tracks", count)
    logger.debug("recommended %d tracks to user %r", count, user_id)
