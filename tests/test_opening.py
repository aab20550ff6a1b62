"""A store that a plugin cannot open: who chose it gets one error that names the plugin."""

from collections.abc import Callable
from typing import Any

import pytest
from support.third_party import plugin

from qfzz import PersonalizedDJ
from qfzz_core import StoreScheme
from qfzz_core.errors import StoreError, StoreLockedError


def raising(error: BaseException) -> Callable[..., Any]:
    def open_store(url: str, options: Any) -> Any:
        raise error

    return open_store


async def later(url: str, options: Any) -> None:
    """What opening must not be."""


def opened(open_store: Callable[..., Any]) -> PersonalizedDJ:
    return PersonalizedDJ(
        store="mine:", plugins=[plugin("mine", qfzz_stores=lambda: [StoreScheme("mine", open_store)])]
    )


@pytest.mark.parametrize(
    ("open_store", "said"),
    [
        (raising(RuntimeError("no such cellar")), "RuntimeError: no such cellar"),
        (raising(SystemExit(3)), "a plugin must not end the program"),
        (later, "got a coroutine"),
    ],
    ids=["raises", "exits", "is async"],
)
def test_what_opening_raises_becomes_an_error_that_names_the_plugin(open_store: Callable[..., Any], said: str) -> None:
    with pytest.raises(StoreError) as raised:
        opened(open_store)
    assert str(raised.value).startswith('store "mine" of plugin "mine" (passed in code) cannot be opened: ')
    assert said in str(raised.value)


def test_an_error_of_the_projects_own_family_stays_as_it_is() -> None:
    with pytest.raises(StoreLockedError, match=r"^held by somebody$"):
        opened(raising(StoreLockedError("held by somebody")))


def test_a_store_that_nobody_chose_is_not_opened() -> None:
    brought = plugin("mine", qfzz_stores=lambda: [StoreScheme("mine", raising(RuntimeError("no such cellar")))])
    with PersonalizedDJ(plugins=[brought]) as dj:
        assert len(dj.recommend("ann", limit=3)) == 3
