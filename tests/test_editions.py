"""What a title says beside the work."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core.model.editions import edition_of, work_title
from qfzz_core.model.names import normalise

EDITIONS = [
    ("Rio - 2009 Remaster", "rio", {"remaster"}),
    ("Rio (Remastered 2009)", "rio", {"remaster"}),
    ("Rio - 2009 - Remaster", "rio", {"remaster", "year"}),
    ("SOS [Live at Wembley, 1979]", "sos", {"live"}),
    ("Like a Rolling Stone - Live at Royal Albert Hall, London - May 26, 1966", "like a rolling stone", {"live"}),
    ("Paint It, Black - Mono", "paint it, black", {"mono"}),
    ("Crazy Train \u2013 2002 Version", "crazy train", {"year"}),
    ("Get Lucky (feat. Pharrell Williams) - Radio Edit", "get lucky", {"radio edit"}),
    ("Memories - Dillon Francis Remix", "memories", {"remix"}),
    ("Tough Love - Ti\u00ebsto Remix / Radio Edit", "tough love", {"remix", "radio edit"}),
    ("Hold The Line - Acoustic", "hold the line", {"acoustic"}),
    ("jasmine (demo)", "jasmine", {"demo"}),
    ("Love Story (Taylor's Version)", "love story", {"rerecorded"}),
    ('Let It Go - From "Frozen"/Soundtrack Version', "let it go", {"soundtrack"}),
    ("Perrengue - Ao Vivo", "perrengue", {"live"}),
    ("Falling Down - Bonus Track", "falling down", {"deluxe"}),
]


@pytest.mark.parametrize(("title", "work", "kinds"), EDITIONS)
def test_an_edition_stands_at_the_end_in_brackets_or_after_a_dash(title: str, work: str, kinds: set[str]) -> None:
    found = edition_of(normalise(title))
    assert (found.work, set(found.kinds)) == (work, kinds)


@pytest.mark.parametrize(
    "title",
    [
        "Live",
        "1999",
        "Remix",
        "(Live)",
        "Live Forever",
        "Song (Live Forever)",
        "Radio Ga Ga",
        "Ibiza (in the sun)",
        "A-ha",
    ],
)
def test_a_title_that_only_looks_like_an_edition_stays_as_it_is(title: str) -> None:
    assert edition_of(normalise(title)).work == work_title(normalise(title)) == normalise(title)


def test_who_is_featured_is_no_edition() -> None:
    for title in (
        "Tusa (feat. Nicki Minaj)",
        "Tusa feat. Nicki Minaj",
        "Tusa [ft. Nicki Minaj]",
        "Tusa (with Nicki Minaj)",
    ):
        found = edition_of(normalise(title))
        assert (found.work, set(found.kinds), len(found.featured)) == ("tusa", set(), 1)
    assert work_title("tusa (feat. x) - live") == "tusa (feat. x)"


def test_remixes_and_other_versions_are_other_works_of_a_list() -> None:
    assert work_title("rio - night mix") == "rio - night mix"
    assert work_title("rio (acoustic) - remastered") == "rio (acoustic)"


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab ()[]-12/,live remix.feat"), max_size=60))
def test_something_is_left_of_every_title(text: str) -> None:
    title = normalise(text)
    for work in (edition_of(title).work, work_title(title)):
        assert title.startswith(work)
        assert bool(work.strip()) == bool(title)
