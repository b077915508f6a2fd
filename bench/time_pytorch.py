"""Times the reference network in PyTorch on a GPU, with made-up weights: a line of a table as each is known.

    python3 bench/time_pytorch.py --precision fp16 edm2-img512-xs:64 edm2-img512-xxl:1

Each argument is a preset of configs/ and a batch.  Each is timed twice: as the reference is written (NCHW), and
in the layout in which PyTorch's convolutions are fastest (channels_last).  Needs PyTorch alone, not NumPy.
"""
import argparse
import json
import os
import statistics
import sys
import time

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from edm2_torch import EDM2  # noqa: E402

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}


def network(preset, layout):
    with open(os.path.join(ROOT, "configs", preset + ".json")) as f:
        config = json.load(f)["config"]
    with torch.device("cuda"):  # made there: on the CPU it would take longer than timing it
        return EDM2(**config).eval().requires_grad_(False).to(memory_format=LAYOUTS[layout])


def seconds_of_one(model, batch, args, layout):
    """The median; as in the published network, the U-Net computes in the type of its input."""
    shape = (batch, model.img_channels, model.img_resolution, model.img_resolution)
    x = torch.randn(shape, device="cuda").to(DTYPES[args.precision], memory_format=LAYOUTS[layout])
    c_noise = torch.zeros(batch, device="cuda")
    labels = torch.eye(model.label_dim, device="cuda")[torch.arange(batch, device="cuda") % model.label_dim]
    seconds = []
    for run in range(args.warm_up + args.repeat):
        torch.cuda.synchronize()
        start = time.perf_counter()
        model.unet(x, c_noise, labels)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[args.warm_up:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="example:\n" + __doc__.split("\n\n")[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="PRESET:BATCH")
    parser.add_argument("--precision", choices=DTYPES, default="fp16", help="type of activations (fp16)")
    parser.add_argument("--warm-up", type=int, default=3, help="runs that do not count (3)")
    parser.add_argument("--repeat", type=int, default=10, help="runs that count (10)")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    # PyTorch would round the factors of float32 to TF32; kairos does not.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False

    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}\n")
    print("| network | batch | precision | layout | median ms | images/s |\n|---|---|---|---|---|---|")
    model, made = None, None
    for layout in ("channels_last", "NCHW"):
        for case in args.cases:
            preset, batch = case.rsplit(":", 1)
            if made != (preset, layout):
                model = None  # its memory first
                model, made = network(preset, layout), (preset, layout)
            seconds = seconds_of_one(model, int(batch), args, layout)
            print(f"| `random:{preset}` | {batch} | {args.precision} | {layout} | {1000 * seconds:.2f} "
                  f"| {int(batch) / seconds:.1f} |")


if __name__ == "__main__":
    main()
