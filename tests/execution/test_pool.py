import importlib.util
import os

import pytest

from deepfake_adv.execution.pool import map_tasks, remaining


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_hold_values_and_errors(workers):
    outcomes = {outcome.task: outcome for outcome in map_tasks(int, ["1", "2", "x"], workers=workers)}
    assert outcomes["1"].unwrap() == 1
    assert outcomes["2"].value == 2
    assert outcomes["x"].value is None
    assert "invalid literal" in outcomes["x"].error
    with pytest.raises(RuntimeError, match="invalid literal"):
        outcomes["x"].unwrap()


def test_no_tasks_give_no_outcomes():
    assert list(map_tasks(int, [], workers=2)) == []


def test_a_killed_worker_is_said():
    with pytest.raises(RuntimeError, match="worker process must live"):
        list(map_tasks(os._exit, [1, 1], workers=2))


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="engine must be one of local, ray; got 'dask'"):
        list(map_tasks(int, ["1"], engine="dask"))


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_ray_without_ray_says_how_to_get_it():
    with pytest.raises(RuntimeError, match="make setup-ray"):
        list(map_tasks(int, ["1"], engine="ray"))


@pytest.mark.slow
def test_ray_gives_the_same_outcomes():
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    outcomes = {outcome.task: outcome for outcome in map_tasks(int, ["1", "2", "x"], engine="ray")}
    assert (outcomes["1"].value, outcomes["2"].value) == (1, 2)
    assert "invalid literal" in outcomes["x"].error


def test_what_is_left_after_a_kill_is_said(caplog):
    with caplog.at_level("INFO"):
        assert remaining(range(5), lambda task: task < 2, desc="crop toy") == [2, 3, 4]
        assert remaining(range(3), lambda task: False, desc="quiet") == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == ["crop toy: going on after 2 of 5 videos"]
