"""No credential of a URL is shown, however it is written."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core.model.credentials import shown_url, without_credentials

SECRET = "hunter2"
RAW = st.text(alphabet=":/@?#&%=;,.'\"[] \\~^" + string.ascii_letters, max_size=12)
FORMS = (
    "postgresql://user:{}@host/db",
    "postgresql://user:{}@host:5432/db?sslmode=require",
    "postgresql://:{}@host/db",
    "postgres:/user:{}@host",
    "postgresql:///user:{}@host/db",
    "sqlite://user:{}@music.db",
    "sqlite:///user:{}@music.db",
    "cloud+tls://key{}@host/db",
    "postgresql://host/db?user=me&password={}",
    "postgresql:///db?host=/run&sslpassword={}",
    "redis://host/0?Token={}",
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://alice:hunter2@host:5432/db", "postgresql://***@host:5432/db"),
        ("postgresql://alice@host/db", "postgresql://***@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://host:5432/db?sslmode=require", "postgresql://host:5432/db?sslmode=require"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=/run/postgresql"),
        ("postgresql://host/db?user=me&password=a&b@c", "postgresql://host/db?user=me&password=***"),
        ("postgresql:/alice:hunter2@host", "postgresql:/***@host"),
        ("postgresql://alice:hunter2", "postgresql://***"),
        ("postgresql://alice:hun/ter2@host/db", "postgresql://***@host/db"),
        ("sqlite:///music.db", "sqlite:///music.db"),
        ("sqlite:////music/me/a@b/music.db", "sqlite:////music/me/a@b/music.db"),
        ("sqlite:///C:/Music/me@home/music.db", "sqlite:///C:/Music/me@home/music.db"),
        ("sqlite://alice:hunter2@music.db", "sqlite://***@music.db"),
        ("memory:", "memory:"),
        ("alice:hunter2@host", "***@host"),
        ("music.db", "music.db"),
    ],
)
def test_a_url_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@settings(max_examples=300)
@given(form=st.sampled_from(FORMS), before=RAW, after=RAW)
def test_no_way_to_write_a_password_shows_it(form: str, before: str, after: str) -> None:
    url = form.format(f"{before}{SECRET}{after}")
    assert SECRET not in shown_url(url)


@settings(max_examples=300)
@given(form=st.sampled_from(FORMS), before=RAW, after=RAW.filter(lambda text: "\n" not in text))
def test_no_sentence_shows_the_password_of_a_url_that_it_quotes(form: str, before: str, after: str) -> None:
    before, after = before.replace(" ", "%20"), after.replace(" ", "%20")
    url = form.format(f"{before}{SECRET}{after}")
    found = without_credentials(f"the store {url!r} cannot be reached: is it there?\nlook at a@b")
    assert SECRET not in found
    assert found.endswith("\nlook at a@b")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no such file: /music/me/a@b.csv", "no such file: /music/me/a@b.csv"),
        ("host=h password=hunter2 dbname=d", "host=h password=*** dbname=d"),
        (r"host=h password = 'hun\'ter 2' dbname=d", "host=h password = *** dbname=d"),
        ("mail me@example.org about 3:4", "mail me@example.org about 3:4"),
        ("sqlite:////x.db is locked by me@host", "sqlite:////x.db is locked by me@host"),
    ],
)
def test_a_text_keeps_what_is_no_credential(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
