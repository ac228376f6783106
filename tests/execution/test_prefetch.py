"""Work done ahead of its use: in order, bounded, and over when its user stops."""

import threading
import time

import pytest

from deepfake_adv.execution.prefetch import available_cores, prefetch


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (4, 2), (0, 5)])
def test_results_come_in_the_order_of_the_tasks(workers, most):
    def slow_first(task):
        time.sleep(0.01 if task == 0 else 0)
        return task * task

    assert list(prefetch(slow_first, range(7), workers=workers, most=most)) == [0, 1, 4, 9, 16, 25, 36]
    assert list(prefetch(slow_first, [], workers=workers, most=most)) == []


def test_no_more_results_are_made_than_are_allowed():
    made, used = [], []
    for result in prefetch(lambda task: made.append(task) or task, range(9), workers=4, most=3):
        assert len(made) <= len(used) + 3
        used.append(result)
    assert used == list(range(9))


def test_a_failing_task_is_raised_in_its_turn_and_the_rest_is_given_up():
    started = []

    def fail_at_two(task):
        started.append(task)
        if task == 2:
            raise ValueError("two")
        return task

    results = prefetch(fail_at_two, range(100), workers=1, most=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert len(started) <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]


def test_there_is_a_core():
    assert available_cores() >= 1
