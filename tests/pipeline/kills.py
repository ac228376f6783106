"""Kill a stage at random moments, and have the next `dvc repro` mend it: ``python kills.py STAGE COUNT SEED``.

Run in a project that is up to date. Says in one line of JSON per kill what was killed, when, and what is not as an
undisturbed run leaves it. DVC and all that the stage imports are loaded once: each `dvc repro` is a fork that runs
DVC's own command line, and each stage a fork of that one, so that a kill costs the stage's work and DVC's, not a start
of Python, and so that the moments lie in that work. A moment is drawn between DVC's first change of the disk and the
end of its writing. Half of the kills end DVC with its stage, as a machine does that goes down; half end DVC alone.

Most of the runs that follow are forced, as if nothing had been recorded yet: they carry the stage out and go on from
what was left. Without that DVC takes what dvc.lock records from its cache, which is tried too.
"""

import hashlib
import json
import os
import random
import re
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, os.getcwd())

LOG = Path("kills.log")
RESUMED = re.compile("going on after|continues at epoch")


def main(stage, count, seed):
    prepare(stage)
    outputs = outputs_of(stage)
    before, lock = content(outputs), Path("dvc.lock").read_bytes()
    process, begun = start("repro", "--force", "--single-item", stage)
    begun.read(1)
    began = time.monotonic()
    assert finish(process, begun) == 0, LOG.read_text()
    takes = time.monotonic() - began
    said = {"takes": round(takes, 2), "differs": differences(outputs, before, lock)}
    say(said)
    rng = random.Random(f"{seed} {stage}")
    for _ in range(count):
        moment, alone = rng.uniform(0, 1.05 * takes), rng.random() < 0.5
        process, begun = start("repro", "--force", "--single-item", stage)
        begun.read(1)
        time.sleep(moment)
        killed = os.waitpid(process, os.WNOHANG) == (0, 0)
        if killed:
            (os.kill if alone else os.killpg)(process, signal.SIGKILL)
            os.waitpid(process, 0)
        half = content(outputs) != before
        forced = ["--force"] * (rng.random() < 0.8)
        code = mend() or finish(*start("repro", *forced, "--single-item", stage))
        log = LOG.read_text()
        said = {"moment": round(moment, 2), "killed": killed, "alone": alone, "half": half, "code": code}
        said |= {"forced": bool(forced), "resumed": bool(RESUMED.search(log))}
        said["differs"] = differences(outputs, before, lock)
        if forced:  # else the cache had the output, and `make clean` collects what is left
            said["differs"] += scratch_folders(stage)
        if code or said["differs"]:
            said["log"] = log[-2000:]
        say(said)


def say(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def prepare(stage):
    """Import DVC and all that the stage reaches; have DVC fork the stage, and say when it changes the disk."""
    import dvc.cli
    import dvc.repo.reproduce
    import dvc.stage.run

    from deepfake_adv.execution.dvc_worker import preload, run_forked

    name, _, item = stage.partition("@")
    preload(f"pipeline.{name}", [item] if item else [])
    dvc.stage.run._run = run_forked
    run = dvc.stage.Stage.run

    def say_and_run(*arguments, **options):
        os.write(int(os.environ["KILLS_BEGUN"]), b"x")
        return run(*arguments, **options)

    dvc.stage.Stage.run = say_and_run


def start(*command):
    """A process of a group of its own that runs DVC's command line, and the pipe on which it says that it begins."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.setsid()
        os.close(read)
        os.environ["KILLS_BEGUN"] = str(write)
        log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from dvc.cli import main

        leave(lambda: sys.exit(main(list(command))))
    os.close(write)
    return process, os.fdopen(read, "rb")


def leave(function):
    """Call, and end this process as Python would."""
    code = 0
    try:
        function()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def finish(process, begun):
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    begun.close()
    return code


def mend():
    """What `make repro` does first: put dvc.lock's good copy back where a kill left a part of it."""
    from deepfake_adv.execution.dvc_lock import restore_lock

    try:
        restore_lock()
    except ValueError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


def outputs_of(stage):
    from ruamel.yaml import YAML

    lock = YAML(typ="safe").load(Path("dvc.lock").read_text())
    return [Path(out["path"]) for out in lock["stages"][stage]["outs"]]


def content(outputs):
    """Digest of every file of a stage's outputs."""
    found = [path for out in outputs for path in [out, *out.rglob("*")] if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def differences(outputs, before, lock):
    """What an undisturbed run leaves otherwise: files of the outputs, and dvc.lock."""
    after = content(outputs)
    found = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return found + ["dvc.lock"] * (Path("dvc.lock").read_bytes() != lock)


def scratch_folders(stage):
    return [str(path) for path in Path("work").glob(f"{stage.partition('@')[0]}-*") if path.is_dir()]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
