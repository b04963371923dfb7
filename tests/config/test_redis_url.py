"""REDIS_URL: one server, or Sentinels who know it."""

import pytest

from config.redis_url import SentinelAddress, redis_problem, sentinel_address, without_password
from config.settings import SettingsWrong, read_settings


def test_sentinels_are_read_with_everything_that_can_be_said():
    """Three machines, none of which may be the one that is down when a role starts."""
    url = "rediss+sentinel://centre:p%40ss@10.0.0.5,10.0.0.6:26380,[fd00::7]/muster/2?sentinel_password=s"
    assert sentinel_address(url) == SentinelAddress(
        nodes=(("10.0.0.5", 26_379), ("10.0.0.6", 26_380), ("fd00::7", 26_379)),
        name="muster",
        number=2,
        user="centre",
        password="p@ss",
        sentinel_password="s",
        encrypted=True,
    )


@pytest.mark.parametrize("url", ["redis://10.0.0.5:6379/1", "rediss://h", "unix:///run/redis.sock", ""])
def test_one_server_is_left_to_the_library(url):
    """What worked before works as before."""
    assert sentinel_address(url) is None
    assert redis_problem(url) == ""


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+sentinel://10.0.0.5", "which servers"),
        ("redis+sentinel:///muster", "no address"),
        ("redis+sentinel://10.0.0.5,/muster", "no address"),
        ("redis+sentinel://10.0.0.5:port/muster", "port"),
        ("redis+sentinel://10.0.0.5/muster/two", "'two'"),
        ("redis+sentinel://10.0.0.5/muster?pasword=x", "'pasword'"),
        ("http://10.0.0.5", "redis+sentinel://"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start_without_its_password(url, says):
    """A thread that finds it out later would only be slow for ever, and nobody would know why."""
    with pytest.raises(SettingsWrong, match="REDIS_URL") as refused:
        read_settings({"REDIS_URL": url.replace("//", "//:geheim@", 1)})
    assert says in str(refused.value)
    assert "geheim" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://centre:geheim@10.0.0.5:6379/1", "redis://10.0.0.5:6379/1"),
        ("redis+sentinel://:geheim@a,b/muster?sentinel_password=geheim", "redis+sentinel://a,b/muster"),
        ("unix:///tmp/a%20b/redis.sock", "unix:///tmp/a%20b/redis.sock"),
        ("", ""),
    ],
)
def test_a_file_that_names_listeners_names_no_passwords(url, shown):
    """ports.json is read by more people than the environment of a role."""
    assert without_password(url) == shown
