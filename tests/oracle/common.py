"""What the oracle tests share: the program under test, networks with random weights, error measures."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

# Tests run side by side; OpenMP threads that spin while they wait would starve each other.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np  # noqa: E402
import torch  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import safetensors_io  # noqa: E402
from edm2_torch import EDM2  # noqa: E402

KAIROS = os.environ.get("KAIROS", os.path.join(ROOT, "build", "kairos"))
SHIPPED = os.path.join(ROOT, "weights", "fashion-mnist-edm2.safetensors")


class FolderCase(unittest.TestCase):
    """Tests with a folder of their own."""
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)


def kairos(*args, expect=0):
    """Runs the program; its standard output.  AssertionError, with what it said, on another exit status."""
    done = subprocess.run([KAIROS, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != expect:
        raise AssertionError(f"kairos {' '.join(map(str, args))}\nexit status {done.returncode}, "
                             f"expected {expect}\n{done.stdout}{done.stderr}")
    return done.stdout


def on_cpu_target():
    """Whether the program is of the CPU target: some promises (cuDNN's batches) and limits are that target's."""
    return "simt" in kairos("info", "--net", SHIPPED)


# What gives an image the same bytes in every batch: cuDNN and cuBLAS choose algorithms by the batch, their
# stand-ins on the CPU do not.
ENGINE = "library" if on_cpu_target() else "native"


@torch.no_grad()
def random_network(config, seed):
    """An EDM2 of random weights, with gains that let every part of it matter."""
    torch.manual_seed(seed)
    net = EDM2(**config).eval().requires_grad_(False)
    net.unet.out_gain.fill_(0.8)
    for name, parameter in net.named_parameters():
        if name.endswith("emb_gain"):
            parameter.copy_(torch.rand([]) - 0.4)
    return net


def save_network(path, net, encoder="rgb", half=False):
    """Writes the weights; with half=True the network's own are rounded too, so both stay the same."""
    if half:
        for tensor in net.state_dict().values():
            tensor.copy_(tensor.half())
    tensors = {k: (v.half() if half else v).numpy() for k, v in net.state_dict().items()}
    safetensors_io.save(path, tensors, dict(
        architecture="edm2", config=json.dumps(net.config), encoder=encoder))


def load_network(path):
    tensors, metadata = safetensors_io.load(path)
    net = EDM2(**json.loads(metadata["config"])).eval().requires_grad_(False)
    net.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items()})
    return net


def one_hot(labels, label_dim, dtype=torch.float32):
    """[N] class numbers, -1 = no class, as the [N, label_dim] rows that the oracle wants."""
    if label_dim == 0:
        return None
    rows = torch.zeros(len(labels), label_dim, dtype=dtype)
    for row, label in zip(rows, labels):
        if label >= 0:
            row[label] = 1
    return rows


def relative_error(value, reference):
    """||value - reference|| / ||reference|| of each image, float64 [N]."""
    value, reference = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (value, reference))
    return np.linalg.norm(value - reference, axis=1) / np.linalg.norm(reference, axis=1)
