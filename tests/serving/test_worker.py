"""The worker's process: kept, ended, started again."""

import asyncio
import os
import time

import pytest

from deepfake_adv.serving.worker import ScoringProcess


def ready(text):
    return text


def fail(text):
    raise ValueError(text)


@pytest.mark.slow
def test_a_process_is_kept_ended_with_a_slow_task_and_started_again(alive, until):
    async def use():
        worker = ScoringProcess(ready, "about")
        assert await worker.start() == "about"
        first = await worker.run(os.getpid, seconds=60)
        assert await worker.run(os.getpid, seconds=60) == first
        with pytest.raises(TimeoutError):
            await worker.run(time.sleep, 60, seconds=0.1)
        until(lambda: not alive(first))
        second = await worker.run(os.getpid, seconds=60)
        assert second != first
        task = asyncio.create_task(worker.run(time.sleep, 60, seconds=60))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        until(lambda: not alive(second))
        with pytest.raises(RuntimeError, match="it was killed"):
            await worker.run(os._exit, 1, seconds=60)
        third = await worker.run(os.getpid, seconds=60)
        worker.end()
        worker.end()
        until(lambda: not alive(third))

    asyncio.run(use())


@pytest.mark.slow
def test_an_error_of_its_start_is_raised_and_leaves_no_process():
    worker = ScoringProcess(fail, "no detector")
    with pytest.raises(ValueError, match="no detector"):
        asyncio.run(worker.start())
    assert worker._pool is None
