"""The engine: one plugin manager, one store, and everything the documented API does, typed."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from qfzz_core.catalogue.library import Library
from qfzz_core.config import Config
from qfzz_core.contracts.columns import Column
from qfzz_core.contracts.stores import Store, Written
from qfzz_core.errors import (
    MOST_DIGITS_BITS,
    ConfigError,
    FeedbackError,
    PluginError,
    ProfileError,
    RequestError,
    shown,
)
from qfzz_core.model.events import Change, Event
from qfzz_core.model.names import checked_text, is_storable, text_of
from qfzz_core.model.plain import checked_clock, several_of, whole_of
from qfzz_core.model.profiles import checked_preferences, checked_user_id
from qfzz_core.model.timestamps import timestamp
from qfzz_core.model.tracks import Track, checked_tracks
from qfzz_core.plugins.faults import Faults, Health, answer, described, fault_in, store_errors_pass
from qfzz_core.plugins.loader import Loader
from qfzz_core.plugins.record import PluginRecord, disabled_by_environment, found_plugins
from qfzz_core.plugins.registry import Registry
from qfzz_core.plugins.settings import made_settings, opened_store
from qfzz_core.profiles import replay
from qfzz_core.profiles.live import DraftProfile, LiveProfile, Profiles
from qfzz_core.profiles.recorder import Feedback, Recorder, checked_feedback, valid_feedback
from qfzz_core.profiles.retraction import replace
from qfzz_core.recommend.observers import Observers
from qfzz_core.recommend.pipeline import Pipeline
from qfzz_core.recommend.query import checked_track_ids
from qfzz_core.recommend.recommender import Recommender
from qfzz_core.recommend.sources import request_sources

if TYPE_CHECKING:
    from qfzz_core.importing.listening import Listening
    from qfzz_core.matching.matcher import Matcher

logging.getLogger("qfzz").addHandler(logging.NullHandler())
logger = logging.getLogger("qfzz.engine")

UTC_NOW = partial(datetime.now, UTC)


class Engine(Recommender):
    """A recommender over one store. Safe to use from several threads; two engines share nothing.

    `store` is a URL or a store (which is then not closed with the engine); without it the configuration's store is
    opened. `plugins` are objects with hook implementations, beside those that are installed; `installed` names those of
    other distributions that may take part, None means all. The same `seed`, store and calls give the same results.
    `clock` returns the time, with a time zone.
    """

    def __init__(
        self,
        *,
        store: str | Store | None = None,
        config: Config | None = None,
        plugins: Iterable[Any] = (),
        installed: Collection[str] | None = None,
        seed: int | None = None,
        clock: Callable[[], datetime] = UTC_NOW,
    ) -> None:
        if config is not None and not isinstance(config, Config):
            raise ConfigError(f"config must be a Config, such as load_config gives, got {shown(config)}")
        self.config = config or Config()
        self._clock = checked_clock(clock)
        seed = _checked_seed(seed)
        self.faults = Faults(strict=self.config.strict)
        self._loader = Loader(found_plugins(plugins, self.config, installed), self.faults)
        self._loader.load(self.config.disabled, disabled_by_environment())
        self.registry = Registry(self._loader, self.config, self.faults)
        self.settings = made_settings(self.config, self.registry, self._loader.records, self.faults.report)
        self._health = Health(
            self._loader.records,
            self.faults,
            give_up_after=self.config.give_up_after,
            seconds=self.config.factor_seconds,
        )
        self._observers = Observers(self._loader, self.faults.report, self._health)
        self._owns_store = store is None or isinstance(store, str)
        self.store: Store = opened_store(store, self.config, self.registry)
        seeds = (seed, self.config.seed, secrets.randbits(63))
        self._start(next(value for value in seeds if value is not None))

    def _start(self, seed: int) -> None:
        learners = list(self.registry.learners.values())
        columns = [registered.value for registered in self.registry.columns.values()]
        self._recorder = Recorder(self.store, learners, lambda: timestamp(self._clock()), self.faults.report)
        self._library = Library(self.store, columns, self._report_column, self.config.cache or None)
        profiles = Profiles(self.store, self._recorder)
        sources = request_sources(self.store, self.registry, self.settings, profiles.latest)
        self._types = sources.interaction_types
        pipeline = Pipeline(
            registry=self.registry,
            settings=self.settings,
            sources=sources,
            library=self._library,
            observers=self._observers,
            health=self._health,
            report=self.faults.report,
            clock=self._clock,
        )
        super().__init__(seed, pipeline, profiles)
        self.faults.count_in(self._loader.records)
        logger.info("engine ready: %d plugins, store %s", len(self._loader.active()), self.store.name)

    def _report_column(self, column: Column, error: Exception) -> None:
        registered = self.registry.columns[column.name]
        self.faults.report(registered.origin, f"column {column.name}", error)

    @property
    def plugins(self) -> list[PluginRecord]:
        """A record of every plugin that was found, in use or not."""
        return list(self._loader.records)

    def commands(self) -> dict[str, Any]:
        """Return the command-line commands of the plugins, by name; a failing plugin's are left out."""
        return self._observers.commands(self.registry.setups)

    def close(self) -> None:
        """End what is under way, and release the store if this engine opened it; called twice it does nothing."""
        self._library.close()
        if self._owns_store:
            self.store.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- profiles

    @property
    def live_profiles(self) -> Mapping[str, LiveProfile]:
        """The live profiles that somebody holds, by user id."""
        return self._profiles.live

    def get_or_create_profile(self, user_id: str, initial_preferences: Mapping[str, Any] | None = None) -> LiveProfile:
        """Return a user's live profile, making the user first if there is none.

        For a user who exists, initial preferences change nothing. Raises `ProfileError` for what is not valid.
        """
        user_id, preferences = checked_user_id(user_id), checked_preferences(initial_preferences)
        profile = self._profiles.get(user_id)
        if profile is None:
            self._create(user_id, preferences)
            profile = self._profiles.get(user_id)
        elif preferences:
            logger.info("initial preferences were given for a profile that exists; they change nothing")
        if profile is None:
            raise ProfileError("the user was forgotten while the profile was being made")
        return profile

    def _create(self, user_id: str, preferences: Mapping[str, Any] | None = None) -> None:
        changes = [Change(field, None, value) for field, value in (preferences or {}).items()]
        if self._recorder.create(user_id, changes):
            logger.info("profile created")
            logger.debug("profile created for user %r", user_id)

    def get_profile(self, user_id: str) -> LiveProfile | None:
        """Return a user's live profile, None for a user who does not exist and for an id that is not valid."""
        try:
            return self._profiles.get(checked_user_id(user_id))
        except ProfileError:
            return None

    @contextmanager
    def edit(self, user_id: str) -> Iterator[DraftProfile]:
        """Give a copy of a profile whose changes are committed together at the end, none if the block raises.

        A user who does not exist is created by the commit.
        """
        draft = self._profiles.draft(checked_user_id(user_id))
        try:
            yield draft
        except BaseException:
            draft.end()
            raise
        steps = draft.end()
        if steps:
            self._recorder.edit(user_id, steps)
            self._profiles.refresh(user_id)

    def forget(self, user_id: str) -> bool:
        """Erase everything known of a user; False if there was nobody of this id."""
        known = self.store.forget(checked_user_id(user_id))
        self._profiles.drop(user_id)
        logger.info("profile forgotten" if known else "no profile to forget")
        return known

    def check_log(self, user_id: str, progress: Callable[[int], None] | None = None) -> list[str]:
        """Return in sentences where what is stored of a user differs from the log; `ProfileError` for an unknown one.

        Nothing is written, and nobody waits. `progress` is called now and then with the number of events replayed.
        """
        return replay.check_log(self._recorder, checked_user_id(user_id), replay.checked_progress(progress))

    def rebuild(self, user_id: str, progress: Callable[[int], None] | None = None) -> list[str]:
        """Replay a user's log into weights and learned state, and return in sentences what was different.

        `progress` is called now and then with the number of events replayed.
        The user is locked meanwhile: no feedback is lost. Raises `ProfileError` for an unknown user, and
        `StoreCorruptError` for a log that lacks its beginning.
        """
        changed = replay.rebuild(self._recorder, checked_user_id(user_id), replay.checked_progress(progress))
        self._profiles.latest.drop(user_id)
        self._profiles.refresh(user_id)
        logger.info("profile rebuilt, %d differences", len(changed))
        return changed

    def learned(self, learner: str, user_id: str, key: str) -> float:
        """Return what a learner knows of a user under a key; what it says without any feedback for an unknown user.

        Raises `RequestError` if no such learner is active or the key is no text, `ProfileError` for a user id that is
        not valid, and `PluginError` if the learner fails.
        """
        name, text = text_of(learner), text_of(key)
        if name not in self.registry.learners:
            raise RequestError(f"no learner {shown(learner)} is active")
        if text is None:
            raise RequestError(f"the key of a learner's state must be text, got {shown(key)}")
        registered = self.registry.learners[name]
        state = self.store.states(checked_user_id(user_id), name).get(text)
        try:
            return float(answer(registered.value.read, state))
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            fault = fault_in(error)
            raise PluginError(f"learner {learner} of {registered.origin}: {described(fault)}") from fault

    # -- feedback

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
        """Record one feedback, durably when the call returns; raises `FeedbackError` with nothing changed.

        `timestamp` says when it happened, an aware datetime or ISO-8601 with offset, at most a day ahead of the clock;
        None means now.
        """
        given = user_id, track_id, interaction_type, rating
        feedback = valid_feedback(self._types, *given, clock=self._clock, event_id=event_id, timestamp=timestamp)
        self._record([feedback])

    def record_many(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Record many feedbacks in one transaction and return how many were new, not repeated events.

        Each is a mapping with the names of `record_feedback`'s parameters. All or nothing: raises `FeedbackError`
        with the position of the first bad one.
        """
        given = several_of(events)
        if given is None:
            raise FeedbackError(f"events must be a list of mappings, got {shown(events)}")
        types, clock = self._types, self._clock
        return self._record([checked_feedback(event, types, clock, place) for place, event in enumerate(given)])

    def retract(self, user_id: str, event_id: str) -> bool:
        """Make everything as if the feedback of this event id had never been recorded; False if there is none.

        The log is replayed without it while the user is locked, and says that it was retracted; the id stays used.
        Raises `ProfileError` for what is no id, and `StoreCorruptError` for a log that lacks its beginning.
        """
        retracted, _ = self._replace(checked_user_id(user_id), [checked_text(event_id, "event_id")])
        return retracted > 0

    def _replace(self, user_id: str, event_ids: Iterable[str], batch: Sequence[Feedback] = ()) -> tuple[int, int]:
        """Retract events and record feedback of one user, together; return how many of each were new."""
        retracted, recorded = replace(self._recorder, user_id, event_ids, batch, self._library.samples)
        self._profiles.refresh(user_id)
        logger.debug("%d events of %r retracted", len(retracted), user_id)
        return len(retracted), self._observed(batch, recorded)

    def _record(self, batch: Sequence[Feedback]) -> int:
        recorded = self._recorder.feedback(batch, self._library.samples) if batch else []
        for user_id in {feedback.user_id for feedback in batch}:
            if user_id in self._profiles.live:
                self._profiles.refresh(user_id)
        return self._observed(batch, recorded)

    def _observed(self, batch: Sequence[Feedback], recorded: Sequence[Event | None]) -> int:
        """Notify of feedback that was recorded, and return how many were new."""
        if logger.isEnabledFor(logging.DEBUG):
            for feedback in batch:
                logger.debug("%s of %r by %r", feedback.interaction_type, feedback.track_id, feedback.user_id)
        new = [(feedback, event) for feedback, event in zip(batch, recorded, strict=True) if event is not None]
        if self._observers.of_feedback:
            self._observers.feedback_recorded(new)
        return len(new)

    @property
    def listening(self) -> Listening:
        """What records plays of a listening history, and finds those that the catalogue lacked."""
        from qfzz_core.importing.listening import Listening

        matcher = cache(self.matcher)  # made when something is looked for
        find = lambda heard: matcher().match(heard)  # noqa: E731 - it is one of the arguments
        return Listening(self._recorder, self._types, self._clock, find, self._library.samples, self._profiles.refresh)

    # -- catalogue

    def add_content(self, tracks: Iterable[Mapping[str, Any]]) -> Written:
        """Add tracks, or replace those whose track_id is there; raises `TrackError` with nothing changed."""
        return self.write_tracks(checked_tracks(tracks))

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Write a stream of tracks that are valid already, in one transaction; if the stream raises, none is there."""
        written = self.store.write_tracks(tracks)
        logger.info("catalogue updated: %d added, %d replaced", written.added, written.replaced)
        return written

    def remove_content(self, track_ids: Iterable[str]) -> int:
        """Remove tracks and return how many there were; unknown ids are no error."""
        removed = self.store.remove_tracks(checked_track_ids(track_ids, "track_ids"))
        logger.info("catalogue updated: %d removed", removed)
        return removed

    def get_track(self, track_id: str) -> Track | None:
        """Return a copy of a track, None if there is none of this id."""
        wanted = text_of(track_id)
        if wanted is None or not is_storable(wanted):
            return None
        with store_errors_pass:  # a plugin may hold the engine, and is not to blame for what is damaged
            return self._library.find(wanted)

    def matcher(self) -> Matcher:
        """Return what finds the tracks that other lists mean, in the catalogue as it is now.

        Every call makes a new one: keep it while you match a list.
        """
        from qfzz_core.matching.matcher import Matcher

        return Matcher(self._library.current(), lambda: self.store.catalogue_since(None).written)

    def unusable_values(self) -> dict[str, int]:
        """Return for each column how many values were there but of the wrong kind; they count as missing."""
        return self._library.unusable()


def _checked_seed(seed: Any) -> int | None:
    whole = whole_of(seed)
    if seed is not None and (whole is None or whole.bit_length() > MOST_DIGITS_BITS):
        raise ConfigError(f"seed must be a whole number of at most 4,200 digits, got {shown(seed)}")
    return whole
