"""Side by side: kairos and the reference network in PyTorch, on the CPU or on a GPU.

    python3 bench/bench_pytorch.py
    python3 bench/bench_pytorch.py --device cuda --precision fp16

Each evaluates the same network on batches of the same size, in the same precision, with the same number
of threads.  They take turns, so that whatever else the machine does hits all of them alike; given is the
median of the runs, and that median relative to kairos'.  PyTorch is timed twice: as the
reference is written (NCHW), and in the layout in which its convolutions are fastest (channels_last).  The
reference normalizes its weights at every evaluation, as the published network does; kairos does so once,
when it loads them.
"""
import argparse
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import safetensors_io  # noqa: E402
from edm2_torch import EDM2  # noqa: E402

SHIPPED = "weights/fashion-mnist-edm2.safetensors"
CASES = {"cpu": [(SHIPPED, 64), ("random:edm2-img512-xs", 4)],  # network, batch
         "cuda": [(SHIPPED, 1024), ("random:edm2-img512-xs", 64), ("random:edm2-img512-xl", 32)]}
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def configuration(net):
    if net.startswith("random:"):
        with open(os.path.join(ROOT, "configs", net.removeprefix("random:") + ".json")) as f:
            return json.load(f)["config"]
    return json.loads(safetensors_io.load(os.path.join(ROOT, net))[1]["config"])


def pytorch(args, net, batch, memory_format, tf32=False):
    """A function that evaluates the network once and returns the seconds that it took.

    As in the published network, the U-Net computes in the type of its input.  PyTorch would round the
    factors of float32 convolutions to TF32 unless told not to; kairos does not.
    """
    torch.manual_seed(0)
    model = EDM2(**configuration(net)).eval().requires_grad_(False).to(args.device, memory_format=memory_format)
    shape = (batch, model.img_channels, model.img_resolution, model.img_resolution)
    x = torch.randn(shape).to(args.device, DTYPES[args.precision], memory_format=memory_format)
    c_noise = torch.zeros(batch, device=args.device)
    labels = torch.eye(model.label_dim)[torch.arange(batch) % model.label_dim].to(args.device)

    def run():
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        start = time.perf_counter()
        model.unet(x, c_noise, labels)
        if args.device == "cuda":
            torch.cuda.synchronize()
        return [time.perf_counter() - start]
    return run


def kairos(args, net, batch):
    command = [os.path.abspath(args.kairos), "bench", "--net", net, "--batch", str(batch), "--precision",
               args.precision, "--repeat", str(args.repeat), "--json"]

    def run():
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True,
                              env={**os.environ, "OMP_NUM_THREADS": str(args.threads)})
        return json.loads(done.stdout)["seconds"]
    return run


def measure(args, net, batch):
    """{name: list of seconds}, the contestants taking turns."""
    contestants = {
        "kairos": kairos(args, net, batch),
        "PyTorch": pytorch(args, net, batch, torch.contiguous_format),
        "PyTorch, channels_last": pytorch(args, net, batch, torch.channels_last),
    }
    if args.device == "cuda" and args.precision == "fp32":
        contestants["PyTorch, channels_last, TF32"] = pytorch(args, net, batch, torch.channels_last, tf32=True)
    seconds = {name: [] for name in contestants}
    for turn in range(args.turns + 1):
        for name, run in contestants.items():
            runs = [s for _ in range(1 if name == "kairos" else args.repeat) for s in run()]
            if turn > 0:  # the first turn is the warm-up
                seconds[name] += runs
            print(f"{net}: turn {turn} of {args.turns}: {name}: "
                  + " ".join(f"{s:.3f}" for s in runs) + " s", file=sys.stderr)
    return seconds


def table(batch, seconds):
    base = statistics.median(seconds["kairos"])
    lines = ["| | median s | fastest | slowest | runs | images/s | time relative to kairos |",
             "|---|---|---|---|---|---|---|"]
    for name, runs in seconds.items():
        median = statistics.median(runs)
        lines.append(f"| {name} | {median:.3f} | {min(runs):.3f} | {max(runs):.3f} | {len(runs)} "
                     f"| {batch / median:.1f} | {median / base:.2f} |")
    return "\n".join(lines)


def instruction_set():
    """What the CPU's vectors are called, on which the timings depend more than on its name."""
    with open("/proc/cpuinfo") as f:
        flags = next((line.split() for line in f if line.startswith(("flags", "Features"))), [])
    return next((name for name, flag in [("avx512", "avx512f"), ("avx2", "avx2"), ("neon", "asimd")] if flag in flags),
                "other")


def machine(args):
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), model)
    version = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, stdout=subprocess.PIPE,
                             text=True).stdout.strip() or "unknown"
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.platform())
    device = f"{torch.cuda.get_device_name()}; " if args.device == "cuda" else ""
    return (f"{device}{model} ({instruction_set()}), {os.cpu_count()} cores, {args.threads} threads; {system}; kairos {version}; "
            f"PyTorch {torch.__version__}, Python {platform.python_version()}")


def main():
    parser = argparse.ArgumentParser(
        description="Times kairos and the reference network in PyTorch side by side.",
        epilog="example: python3 bench/bench_pytorch.py --turns 5")
    parser.add_argument("--kairos", default=os.path.join(ROOT, "build", "kairos"), help="the program (build/kairos)")
    parser.add_argument("--device", choices=CASES, default="cpu", help="what both run on (cpu)")
    parser.add_argument("--precision", choices=DTYPES, default="fp32", help="type of weights and activations (fp32)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of each (all cores)")
    parser.add_argument("--turns", type=int, default=3, help="turns of each contestant after the warm-up (3)")
    parser.add_argument("--repeat", type=int, default=2, help="evaluations in each turn (2)")
    parser.add_argument("--out", help="where to write the tables (bench/results/cpu-INSTRUCTION_SET.md or cuda.md, with the precision unless fp32)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)

    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: other work is running here (load average {load:.1f}): these timings will mislead",
              file=sys.stderr)
    text = (f"# kairos and PyTorch, {args.device}, {args.precision}\n\n{datetime.date.today()}, {machine(args)}; "
            f"load average before {load:.1f}\n\n"
            f"    python3 {shlex.join([os.path.relpath(os.path.abspath(sys.argv[0]), ROOT)] + sys.argv[1:])}\n\n"
            "One evaluation of the network; the contestants took turns.  PyTorch runs the reference\n"
            "network (`scripts/edm2_torch.py`), which normalizes its weights at every evaluation, as the\n"
            "published one does; kairos does so once, when it loads them.\n")
    for net, batch in CASES[args.device]:
        text += f"\n## `{net}`, batch {batch}\n\n{table(batch, measure(args, net, batch))}\n"
    print(text)
    name = "cuda" if args.device == "cuda" else f"cpu-{instruction_set()}"
    name += "" if args.precision == "fp32" else f"-{args.precision}"
    out = args.out or os.path.join(ROOT, "bench", "results", f"{name}.md")
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    with open(out + ".partial", "w") as f:
        f.write(text)
    os.replace(out + ".partial", out)


if __name__ == "__main__":
    main()
