"""The profile of a user: the documented class, its snapshot, and the preferences a call can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from qfzz_core.errors import ProfileError, did_you_mean, shown
from qfzz_core.model.events import SHOWN_INTERACTIONS, Change, Interaction
from qfzz_core.model.names import checked_text, text_of
from qfzz_core.model.plain import NotPlainError, copied, mapping_of, plain, several_of, whole_of
from qfzz_core.model.timestamps import checked_timestamp, next_timestamp, timestamp
from qfzz_core.model.weights import WEIGHT_FIELDS, Weights, checked_name, checked_weights, unit_number

TEMPO_PREFERENCES = ("slow", "medium", "fast", "varied")
PREFERENCE_FIELDS = ("genres", "artists", "moods", "energy_level", "tempo_preference", "discovery_factor")
_INTERACTION_KEYS = ("track_id", "type", "rating", "timestamp")


def _shared(weights: Mapping[str, float]) -> Mapping[str, float]:
    if isinstance(weights, MappingProxyType):
        return weights
    if not isinstance(weights, Mapping):
        raise ProfileError(f"a snapshot has mappings of names to weights, got {shown(weights)}")
    return MappingProxyType(weights)


def checked_user_id(user_id: Any) -> str:
    """Return a usable user id; raises `ProfileError` for one that is blank or no text."""
    return checked_text(user_id, "user_id")


def checked_preference(field: str, value: Any) -> Any:
    """Return a valid copy of the value of one preference field; raises `ProfileError` that names it."""
    if field in WEIGHT_FIELDS:
        return checked_weights(field, value)
    if field != "tempo_preference":
        return unit_number(value, field)
    tempo = text_of(value)
    if tempo not in TEMPO_PREFERENCES:
        raise ProfileError(f"tempo_preference must be one of {', '.join(TEMPO_PREFERENCES)}, got {shown(value)}")
    return tempo


def checked_preferences(preferences: Any) -> dict[str, Any]:
    """Return a valid copy of the preferences given to a call; raises `ProfileError` that names the key."""
    if preferences is None:
        return {}
    given = mapping_of(preferences)
    if given is None:
        raise ProfileError(f"preferences must map field names to values, got {shown(preferences)}")
    for field in given:
        if text_of(field) not in PREFERENCE_FIELDS:
            hint = did_you_mean(field, PREFERENCE_FIELDS) or f"; the keys are {', '.join(PREFERENCE_FIELDS)}"
            raise ProfileError(f"unknown preference {shown(field)}{hint}")
    return {text_of(field) or "": checked_preference(field, value) for field, value in given.items()}


def checked_change(field: Any, name: Any, value: Any) -> Change:
    """Return a change of a profile that may have been written by hand; raises `ProfileError` if it cannot be one."""
    if field not in (*PREFERENCE_FIELDS, "updated_at"):
        raise ProfileError(f"there is no field {shown(field)} that can change")
    if name is None:
        new = checked_timestamp(value, field) if field == "updated_at" else checked_preference(field, value)
        return Change(field, None, new)
    if field not in WEIGHT_FIELDS:
        raise ProfileError(f"the name must be null: {field} has no names")
    return Change(field, checked_name(field, name), None if value is None else unit_number(value, "value"))


@attrs.frozen(kw_only=True)
class ProfileSnapshot:
    """A profile at one moment, shared and unchangeable.

    `revision` is (serial of the user, random number of the last change): a user created again has another serial.
    It is (0, 0) for a user who does not exist.
    """

    user_id: str
    genres: Mapping[str, float] = attrs.field(factory=dict, converter=_shared)
    artists: Mapping[str, float] = attrs.field(factory=dict, converter=_shared)
    moods: Mapping[str, float] = attrs.field(factory=dict, converter=_shared)
    energy_level: float = 0.5
    tempo_preference: str = "medium"
    discovery_factor: float = 0.3
    created_at: str = ""
    updated_at: str = ""
    revision: tuple[int, int] = (0, 0)

    def overridden(self, preferences: Mapping[str, Any]) -> ProfileSnapshot:
        """Return the snapshot with valid preferences of one call in place of its own."""
        return attrs.evolve(self, **preferences) if preferences else self


def checked_interaction(interaction: Any, now: str) -> Interaction:
    """Return an interaction from which nothing is learned, made of a dictionary; `now` is its timestamp if it has none.

    Raises `ProfileError` if `track_id` or `type` is missing or any value is not valid.
    """
    given = mapping_of(interaction)
    if given is None:
        raise ProfileError(f"an interaction must be a mapping, got {shown(interaction)}")
    for key in ("track_id", "type"):
        if key not in given:
            raise ProfileError(f"the interaction has no {key}")
    rating = given.get("rating")
    moment = given.get("timestamp")
    return Interaction(
        track_id=checked_text(given["track_id"], "track_id"),
        type=checked_text(given["type"], "type"),
        rating=None if rating is None else unit_number(rating, "rating"),
        timestamp=now if moment is None else checked_timestamp(moment, "timestamp"),
        extra=_extra(given),
    )


def _extra(interaction: Mapping[str, Any]) -> dict[str, Any]:
    try:
        copy: dict[str, Any] = plain(
            {key: value for key, value in interaction.items() if text_of(key) not in _INTERACTION_KEYS}
        )
    except NotPlainError as error:
        raise ProfileError(f"the interaction cannot be kept: {error}") from None
    return copy


def _checked_history(entries: Any) -> list[dict[str, Any]]:
    given = several_of(entries)
    if given is None:
        raise ProfileError(f"interaction_history must be a list of interactions, got {shown(entries)}")
    return [checked_interaction(entry, timestamp()).to_dict() for entry in given][-SHOWN_INTERACTIONS:]


@attrs.define(slots=False, eq=False, repr=False, on_setattr=attrs.setters.NO_OP)
class UserProfile:
    """What is known of one user's taste.

    `genres`, `artists` and `moods` map names to weights in [0, 1]; `energy_level` and `discovery_factor` lie in
    [0, 1]; `tempo_preference` is slow, medium, fast or varied. Everything is validated when the profile is made and
    at every change; a violation is a `ProfileError`, which is also a `ValueError`, and changes nothing.

    A profile that a DJ returned is live: every change is one durable operation. One that was made directly, copied
    or unpickled is detached: its changes stay its own.
    """

    user_id: str
    genres: dict[str, float] = attrs.field(factory=dict)
    artists: dict[str, float] = attrs.field(factory=dict)
    moods: dict[str, float] = attrs.field(factory=dict)
    energy_level: float = 0.5
    tempo_preference: str = "medium"
    discovery_factor: float = 0.3
    interaction_history: list[dict[str, Any]] = attrs.field(factory=list)
    created_at: str = attrs.field(factory=timestamp)
    updated_at: str = attrs.field(default=attrs.Factory(lambda self: self.created_at, takes_self=True))

    def __attrs_post_init__(self) -> None:
        own = self.__dict__
        own["user_id"] = checked_user_id(self.user_id)
        for field in PREFERENCE_FIELDS:
            own[field] = checked_preference(field, own[field])
        for field in WEIGHT_FIELDS:
            own[field] = Weights(field, own[field], self._commit)
        own["interaction_history"] = _checked_history(self.interaction_history)
        for field in ("created_at", "updated_at"):
            own[field] = checked_timestamp(own[field], field)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIELDS and "updated_at" not in self.__dict__:
            self.__dict__[name] = value  # by the constructor, which sets updated_at last and then checks everything
        elif name in PREFERENCE_FIELDS:
            self._commit([Change(name, None, checked_preference(name, value))])
        elif name == "updated_at":
            self._commit([Change(name, None, self._later(value))])
        elif name == "interaction_history":
            history = _checked_history(value)
            self._touch()
            self.__dict__[name] = history
        elif name in ("user_id", "created_at"):
            raise ProfileError(f"{name} cannot be reassigned")
        else:
            raise AttributeError(f"a profile has no attribute {name!r}{did_you_mean(name, FIELDS)}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"the attribute {name!r} of a profile cannot be deleted")

    def _later(self, value: Any) -> str:
        later = checked_timestamp(value, "updated_at")
        if next_timestamp(self.updated_at, later) != later:
            raise ProfileError(f"updated_at moves only forward: {later} is not later than {self.updated_at}")
        return later

    # -- changes

    def update_genre_preference(self, genre: str, weight: float) -> None:
        """Set the weight of a genre, in [0, 1]; raises `ProfileError` for any other weight and a blank name."""
        self.genres[genre] = weight

    def update_artist_preference(self, artist: str, weight: float) -> None:
        """Set the weight of an artist, in [0, 1]; raises `ProfileError` for any other weight and a blank name."""
        self.artists[artist] = weight

    def update_mood_preference(self, mood: str, weight: float) -> None:
        """Set the weight of a mood, in [0, 1]; raises `ProfileError` for any other weight and a blank name."""
        self.moods[mood] = weight

    def add_interaction(self, interaction: dict[str, Any]) -> None:
        """Add an interaction to the history, which keeps the last 1,000; nothing is learned from it.

        Needs `track_id` and `type`; `rating` is a number in [0, 1] or None; a valid `timestamp` is kept, without one
        the clock's is added; other keys are kept. The caller's dict does not change. Raises `ProfileError`.
        """
        entry = checked_interaction(interaction, timestamp())
        kept = [*self.__dict__["interaction_history"], entry.to_dict()]
        self._touch()
        self.__dict__["interaction_history"] = kept[-SHOWN_INTERACTIONS:]

    def validate(self) -> None:
        """Check the whole profile again; raises `ProfileError`, which is also a `ValueError`, if anything is wrong."""
        type(self).from_dict({field: getattr(self, field) for field in FIELDS})

    # -- reading

    def get_top_genres(self, limit: int = 5) -> list[str]:
        """Return the names of the `limit` best-liked genres, best first, without those of weight 0."""
        return top_names(self.genres, limit)

    def get_top_artists(self, limit: int = 10) -> list[str]:
        """Return the names of the `limit` best-liked artists, best first, without those of weight 0."""
        return top_names(self.artists, limit)

    def to_dict(self) -> dict[str, Any]:
        """Return every attribute in plain types that `json.dumps` takes, as a deep copy."""
        return {field: copied(getattr(self, field)) for field in FIELDS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> UserProfile:
        """Return a detached profile with these attributes, the inverse of `to_dict`; raises `ProfileError`."""
        given = mapping_of(values)
        if given is None:
            raise ProfileError(f"a profile is made of a mapping of its attributes, got {shown(values)}")
        for field in given:
            if text_of(field) not in FIELDS:
                raise ProfileError(f"unknown attribute {shown(field)}{did_you_mean(field, FIELDS)}")
        if "user_id" not in given:
            raise ProfileError("user_id is missing")
        return UserProfile(**given)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UserProfile):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        said = ", ".join(f"{field}={getattr(self, field)!r}" for field in FIELDS)
        return f"UserProfile({said})"

    def __reduce_ex__(self, protocol: Any) -> tuple[Callable[..., UserProfile], tuple[dict[str, Any]]]:
        return _detached, (self.to_dict(),)

    # -- how a detached profile changes

    def _commit(self, changes: Sequence[Change]) -> None:
        # Checked first: if the second of several changes is refused, the first must not be there.
        for field in {change.field for change in changes} & WEIGHT_FIELDS.keys():
            self.__dict__[field]._check([change for change in changes if change.field == field])
        if all(change.field != "updated_at" for change in changes):
            self._touch()  # before the changes: it may be refused
        for change in changes:
            if change.field in WEIGHT_FIELDS:
                self.__dict__[change.field]._apply(change)
            else:
                self.__dict__[change.field] = change.value

    def _touch(self) -> None:
        self.__dict__["updated_at"] = next_timestamp(self.updated_at)


FIELDS = tuple(attribute.name for attribute in attrs.fields(UserProfile))


def _detached(values: dict[str, Any]) -> UserProfile:
    return UserProfile(**values)


def spelling_of(weights: Mapping[str, float], field: str, name: str) -> str | None:
    """Return the spelling under which a name stands in a mapping, None if it does not."""
    if name in weights:
        return name
    if isinstance(weights, Weights):
        return weights.spelling_of(name)
    same = WEIGHT_FIELDS[field]
    wanted = same(name)
    return next((present for present in weights if same(present) == wanted), None)


def top_names(weights: Mapping[str, float], limit: Any) -> list[str]:
    """Return the `limit` names of highest weight above 0, equal ones in insertion order; raises `ProfileError`."""
    count = whole_of(limit)
    if count is None or count < 0:
        raise ProfileError(f"limit must be a whole number, 0 or more, got {shown(limit)}")
    liked = [name for name, weight in weights.items() if weight > 0]
    return sorted(liked, key=lambda name: -weights[name])[:count]
