"""The same bytes from a Ray cluster of two nodes as from a process pool; Ray is an extra (`make setup-ray`)."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from pathlib import Path

from deepfake_adv.extraction.crop import crop_part
from deepfake_adv.extraction.cutting import CropOptions

if __name__ == "__main__":
    *folders, execution = json.loads(sys.argv[1])
    frames, faces, output, root, work = map(Path, folders)
    cluster = None
    if execution["engine"] == "ray":
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        execution["address"] = cluster.address
    crop_part(
        "toy", "c23", frames, faces, output, root=root, options=CropOptions(1.3, "png", True), max_failed_share=0,
        execution=execution, scratch=work,
    )
    if cluster is not None:
        import ray

        nodes = [node for node in ray.nodes() if node["Alive"]]
        print("nodes", len(nodes))
        ray.shutdown()
        cluster.shutdown()
"""


def test_two_nodes_leave_the_bytes_of_the_pool(located, tmp_path):
    pytest.importorskip("ray", reason="Ray is an optional extra: make setup-ray")
    data = located()
    script = tmp_path / "cut.py"
    script.write_text(SCRIPT)
    outputs = {}
    for engine in ("local", "ray"):
        outputs[engine] = tmp_path / engine
        folders = [data.frames / "c23", tmp_path / "faces", outputs[engine], data.root, tmp_path / f"work-{engine}"]
        arguments = json.dumps([*map(str, folders), {"engine": engine, "workers": 2}])
        said = subprocess.run(
            [sys.executable, str(script), arguments], check=True, capture_output=True, text=True, env=dict(os.environ)
        ).stdout
    assert "nodes 2" in said
    names = sorted(path.name for path in outputs["local"].iterdir())
    assert names == sorted(path.name for path in outputs["ray"].iterdir())
    for name in names:
        assert (outputs["local"] / name).read_bytes() == (outputs["ray"] / name).read_bytes(), name
