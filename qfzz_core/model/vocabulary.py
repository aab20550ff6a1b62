"""The categories of a column: names and their codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain, compress, islice
from typing import Any, cast

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.combinations import SEPARATOR, Codes, Combinations, Values
from qfzz_core.model.names import Normaliser, exact, normalise_all
from qfzz_core.model.plain import only_called, own_text
from qfzz_core.model.strings import EncodedStrings, StringIndex

Rows = NDArray[np.intp]
Names = str | tuple[str, ...] | None
"""What a track has in a column of categories: a name, several of which the first is the primary one, or none."""

# Names that are worth an index of their own; fewer stay in a dictionary, at about 160 bytes a name instead of 22. With
# 20,000 names added one by one, a name takes 69 microseconds at 1,024, 333 at 256 and 33 at 4,096.
_INDEXED = 1024
_FEW = 16  # names that are found one by one: among 200,000, 16 take 95 microseconds so and 190 together; 32 are even
# Names as written whose codes are remembered, in at most about 5 MB a column: a look-up takes 0.1 microseconds instead
# of 6, and the names that users like come again with every request.
_REMEMBERED = 1 << 15
# Combinations up to which those of a track that is added are put beside the last ones: what requests look up of these,
# by member, is then made again.
_BESIDE = 1024


@attrs.frozen(eq=False)
class _Names:
    """Codes count up through the tiers, each at least twice as long as the next one, and then `recent`.

    So a name moves to a longer tier only a logarithmic number of times while names are added one by one.
    """

    tiers: tuple[StringIndex, ...] = ()
    recent: dict[str, int] = attrs.field(factory=dict)
    recent_names: list[str] = attrs.field(factory=list)
    indexed: int = attrs.field(
        init=False, default=attrs.Factory(lambda names: sum(map(len, names.tiers)), takes_self=True)
    )

    def firsts(self) -> Iterator[tuple[int, StringIndex]]:
        first = 0
        for tier in self.tiers:
            yield first, tier
            first += len(tier)

    def find(self, normal: str) -> int:
        code = self.recent.get(normal, -1)
        for first, tier in self.firsts():
            if code < 0 and (number := tier.find(normal)) >= 0:
                code = first + number
        return code

    def find_all(self, normals: Sequence[str]) -> list[int]:
        if len(normals) <= _FEW:
            return [self.find(normal) for normal in normals]
        codes = np.full(len(normals), -1)
        wanted = EncodedStrings.of(normals)
        for first, tier in self.firsts():
            numbers = tier.find_all(wanted)
            codes = np.where(numbers >= 0, first + numbers, codes)
        found: list[int] = codes.tolist()
        if self.recent:
            found = [self.recent.get(normal, code) for normal, code in zip(normals, found, strict=True)]
        return found

    def name(self, code: int) -> str:
        for first, tier in self.firsts():
            if code < first + len(tier):
                return tier.string(code - first)
        return self.recent_names[code - self.indexed]

    def names(self, codes: NDArray[Any]) -> list[str]:
        found = np.empty(len(codes), dtype=object)
        for first, tier in self.firsts():
            some = ((codes >= first) & (codes < first + len(tier))).nonzero()[0]
            found[some] = tier.encoded.select(codes[some] - first).decoded()
        some = (codes >= self.indexed).nonzero()[0]
        found[some] = [self.recent_names[code - self.indexed] for code in codes[some].tolist()]
        names: list[str] = found.tolist()
        return names

    def as_index(self) -> StringIndex:
        """Return all names as one index."""
        names = list(self.recent_names)
        recent = [StringIndex.of(names)] if names or not self.tiers else []
        return reduce(StringIndex.followed_by, [*self.tiers, *recent])

    def with_tier(self, names: Sequence[str]) -> _Names:
        """Return these names and then others, which are new, all of them indexed."""
        added = [self.recent_names, list(names)]
        tiers = [*self.tiers, *(StringIndex.of(some) for some in added if some)]
        while len(tiers) > 1 and len(tiers[-2]) < 2 * len(tiers[-1]):
            last = tiers.pop()
            tiers[-1] = tiers[-1].followed_by(last)
        return _Names(tuple(tiers))


class Vocabulary:
    """The categories of one column: code by normal form. It never loses a name, so that snapshots can share it.

    Several names of a track together are a combination, with a code of its own beside those of its members. Names that
    compare exactly make none.

    One thread at a time may add names; any number may read meanwhile.
    """

    def __init__(self, normal: Normaliser, strings: StringIndex | None = None) -> None:
        """`strings` are normal forms that it has already, coded by their numbers."""
        self.normal = normal
        self._names = _Names(() if strings is None else (strings,))
        self._restored = strings
        self._added: tuple[Combinations, ...] = ()  # each at least twice as long as the next one
        self._known: dict[Names, int] = {None: -1}  # names as written that were learned or found lately
        self._absent: dict[str | None, int] = {}  # looked for since a name was added last and not found, each with -1

    def __len__(self) -> int:
        names = self._names
        return names.indexed + len(names.recent_names)

    def name(self, code: int) -> str | None:
        """Return the normal form that a code stands for, None for -1; of a combination, that of its primary name."""
        form = self._form(code)
        return form if form is None or self.normal is exact else form.partition(SEPARATOR)[0]

    def names(self, codes: NDArray[Any]) -> list[str | None]:
        """Return the normal forms that codes stand for, as `name` does; of many codes quicker than one by one."""
        forms = self._forms(codes)
        return forms if self.normal is exact else [form and form.partition(SEPARATOR)[0] for form in forms]

    def all_names(self, codes: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return the normal forms of all names that each code stands for, the primary one first; () for -1."""
        splits = self.normal is not exact
        forms = self._forms(codes)
        return [() if form is None else tuple(form.split(SEPARATOR)) if splits else (form,) for form in forms]

    def _form(self, code: int) -> str | None:
        return self._names.name(code) if code >= 0 else None

    def _forms(self, codes: NDArray[Any]) -> list[str | None]:
        if len(codes) <= _FEW or (codes < 0).any():
            return list(map(self._form, codes.tolist()))
        return list(self._names.names(codes.astype(np.int64)))

    def code(self, name: str) -> int:
        """Return the code of a name, -1 if no track ever had it."""
        return int(self.codes([name])[0])

    def codes(self, names: Iterable[str]) -> NDArray[np.int32]:
        """Return the codes of names, int32, -1 for those that no track ever had."""
        # Taken before looking, and replaced when a name is added: a name that is added between looking and noting it
        # as absent would otherwise stay absent.
        absent = self._absent

        def look_up(missing: list[str]) -> list[int]:
            codes = list(map(absent.get, missing))
            return self._look_up(missing, absent) if None in codes else codes  # type: ignore[return-value]

        return _coded(list(names), self._known, look_up)

    def having(self, *names: str) -> NDArray[np.int32]:
        """Return the codes that stand for any of the names, int32 and ascending: alone or with others."""
        codes: Codes = self.codes(names).astype(np.int64)
        codes = codes[codes >= 0]
        held = [some.holding(codes) for some in self._combinations]
        return np.unique(np.concatenate([codes, *held])).astype(np.int32)

    def members(self, codes: NDArray[Any]) -> list[tuple[int, ...]]:
        """Return for each code those of the names that it stands for, the primary one first: of one name, itself."""
        found: list[tuple[int, ...]] = [(code,) for code in codes.tolist()]
        for some in self._combinations:
            for index, members in some.members_of(codes).items():
                found[index] = members
        return found

    def primaries(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return codes with that of the primary name in the place of each combination."""
        return reduce(lambda found, some: some.with_primaries(found), self._combinations, codes)

    def with_combinations(self, codes: Codes, values: Values, default: float) -> tuple[Codes, Values]:
        """Return the values of ascending codes and of the combinations that hold any of them, by ascending code.

        The value of a combination is the greatest of its members', `default` for one that is not among the codes.
        """
        combinations = self._combinations
        if not combinations or not len(codes):
            return codes, values
        found = [(codes, values), *(some.best(codes, values, default) for some in combinations)]
        codes, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = codes.argsort(kind="stable")
        return codes[order], values[order]

    @property
    def _combinations(self) -> tuple[Combinations, ...]:
        return self._restored_combinations + self._added

    @cached_property
    def _restored_combinations(self) -> tuple[Combinations, ...]:
        if self._restored is None or self.normal is exact:
            return ()
        return tuple(filter(len, [Combinations.among(self._restored)]))

    def encode_all(self, names: Sequence[Names]) -> NDArray[np.int32]:
        """Return the codes of names, int32, giving one to those that are new; -1 for None.

        Several names together have the code of their combination; one that is several times among them, or blank,
        counts once or not at all.
        """
        return _coded(names, self._known, self._learn)

    def extend(self, normals: Sequence[str]) -> NDArray[np.int32]:
        """Return the codes of normal forms that are new, of which no two are the same, without looking for them."""
        first = len(self)
        self._add(normals)
        return np.arange(first, len(self), dtype=np.int32)

    def settle(self) -> None:
        """Put all names into one index, the most compact form; what it learns later comes beside it."""
        self._names = _Names((self._names.as_index(),))
        self._known = {None: -1}

    def strings(self, codes: Rows | None = None) -> StringIndex:
        """Return the normal forms of these codes, of which none comes twice, or of all, in the order of codes."""
        strings = self._names.as_index()
        return strings if codes is None else strings.select(codes)

    def _look_up(self, missing: list[str], absent: dict[str | None, int]) -> list[int]:
        missing = list(map(own_text, missing))  # what is remembered is compared with the names of everybody else
        codes = self._names.find_all(normalise_all(missing, self.normal))
        if len(absent) + len(missing) > _REMEMBERED:
            absent.clear()
        absent.update((name, code) for name, code in zip(missing, codes, strict=True) if code < 0)
        self._remember(missing, codes)
        return codes

    def _learn(self, missing: list[Any]) -> Sequence[int]:
        if tuple in set(map(type, missing)):
            return self._learn_several(missing)
        missing = list(map(own_text, missing))
        normals = normalise_all(missing, self.normal)
        found = self._names.find_all(normals)
        first = len(self)
        new = list(dict.fromkeys(compress(normals, [code < 0 for code in found])))
        self._add(new)
        if len(new) == len(normals):
            codes: Sequence[int] = range(first, first + len(new))
        else:
            given = dict(zip(new, range(first, first + len(new)), strict=True))
            codes = [given[normal] if code < 0 else code for normal, code in zip(normals, found, strict=True)]
        if len(missing) <= _REMEMBERED // 4:  # more come from loading a catalogue, and hardly come again
            self._remember(missing, codes)
        return codes

    def _learn_several(self, missing: list[Any]) -> Sequence[int]:
        """Return the codes of names some of which are several together, whose members get codes of their own too."""
        together = [tuple(map(own_text, names)) if type(names) is tuple else (own_text(names),) for names in missing]
        codes = self.encode_all(list(chain.from_iterable(together)))
        members = list(map(str, self._forms(codes)))
        known = dict(zip(members, codes.tolist(), strict=True))
        left = iter(members)
        groups = [_different(list(islice(left, len(names)))) for names in together]
        combined = {SEPARATOR.join(group): [known[form] for form in group] for group in groups if len(group) > 1}
        known.update(self._combined(combined))
        found = [known[SEPARATOR.join(group)] for group in groups]
        if len(missing) <= _REMEMBERED // 4:
            self._remember([names if len(names) > 1 else names[0] for names in together], found)
        return found

    def _combined(self, members: Mapping[str, Sequence[int]]) -> dict[str, int]:
        """Return the codes of combinations by normal form, giving one to those that are new."""
        codes = dict(zip(members, self._names.find_all(list(members)), strict=True))
        new = [form for form, code in codes.items() if code < 0]
        codes.update(zip(new, range(len(self), len(self) + len(new)), strict=True))
        self._add(new)
        if new:
            self._added = _beside(self._added, Combinations.of({codes[form]: members[form] for form in new}))
        return codes

    def _add(self, new: Sequence[str]) -> None:
        names = self._names
        if len(names.recent_names) + len(new) >= _INDEXED:
            self._names = names.with_tier(new)
        else:
            first = len(self)
            names.recent_names.extend(new)
            names.recent.update(zip(new, range(first, first + len(new)), strict=True))
        if new:
            self._absent = {}

    def _remember(self, names: Sequence[Names], codes: Sequence[int]) -> None:
        if len(self._known) + len(names) > _REMEMBERED:
            self._known = {None: -1}  # not cleared: another thread that reads it relies on the code of None
        self._known.update((name, code) for name, code in zip(names, codes, strict=True) if code >= 0)


@attrs.frozen(eq=False)
class ReadOnlyVocabulary:
    """The vocabulary of a column as plugins have it: the categories by normal form. It takes no names.

    `code(name)` is the code of a name, `codes(names)` those of several, int32; -1 for what no track ever had.
    `name(code)` is the normal form that a code stands for, `names(codes)` those of several; None for -1. `normal` makes
    the normal form of a name. Its length is the number of codes.

    A track with several names has one code, which stands for all of them together, and `name` and `names` give the
    primary one. So `codes == code(x)` misses tracks that have x beside other names: `having(x, ...)` are all codes that
    stand for one of these names alone or with others, int32. `all_names(codes)` gives a tuple of all names for each,
    `primaries(codes)` the code of its primary name alone.
    """

    normal: Normaliser
    name: Callable[[int], str | None]
    names: Callable[[NDArray[Any]], list[str | None]]
    code: Callable[[str], int]
    codes: Callable[[Iterable[str]], NDArray[np.int32]]
    all_names: Callable[[NDArray[Any]], list[tuple[str, ...]]]
    having: Callable[..., NDArray[np.int32]]
    primaries: Callable[[NDArray[Any]], NDArray[Any]]
    _length: Callable[[], int]

    def __len__(self) -> int:
        return self._length()


def read_only(vocabulary: Vocabulary) -> Vocabulary:
    """Return a vocabulary as plugins have it."""
    face = ReadOnlyVocabulary(
        normal=vocabulary.normal,
        name=only_called(vocabulary.name),
        names=only_called(vocabulary.names),
        code=only_called(vocabulary.code),
        codes=only_called(vocabulary.codes),
        all_names=only_called(vocabulary.all_names),
        having=only_called(vocabulary.having),
        primaries=only_called(vocabulary.primaries),
        length=only_called(vocabulary.__len__),
    )
    return cast(Vocabulary, face)


def _different(forms: Sequence[str]) -> list[str]:
    """Return normal forms without repetition, the first one first and the others sorted; blank ones do not count."""
    named = list(filter(None, forms)) or forms
    return [named[0], *sorted({*named} - {named[0]})]


def _beside(combinations: tuple[Combinations, ...], new: Combinations) -> tuple[Combinations, ...]:
    tiers = [*combinations, new]
    while len(tiers) > 1 and len(tiers[-2]) < max(_BESIDE, 2 * len(tiers[-1])):
        last = tiers.pop()
        tiers[-1] = tiers[-1].followed_by(last)
    return tuple(tiers)


def _coded(
    names: Sequence[Names], known: Mapping[Names, int], code_all: Callable[[list[Any]], Sequence[int]]
) -> NDArray[np.int32]:
    """Return the codes of names: those that are known, and what a function gives to all the others together."""
    found = list(map(known.get, names))
    if None in found:
        missing: list[Any] = list(dict.fromkeys(compress(names, [code is None for code in found])))
        codes = code_all(missing)
        if len(missing) == len(names):
            return np.array(codes, dtype=np.int32)
        fresh = dict(zip(missing, codes, strict=True))
        found = [fresh[name] if code is None else code for name, code in zip(names, found, strict=True)]
    return np.array(found, dtype=np.int32)
