"""Converts a published EDM2 snapshot (.pkl) into the self-describing safetensors file that kairos reads.

    python3 scripts/convert_weights.py edm2-img512-xs-2147483-0.135.pkl edm2-img512-xs.safetensors

Nothing in the snapshot is executed (scripts/snapshot_pickle.py).  Weights keep their type (the published
ones are float16; bfloat16 becomes float32) and their names.  The configuration is read from the
constructor's arguments that the snapshot records, and every tensor's shape is checked against it.

Needs NumPy and nothing else: scripts/install-deps.sh convert
"""
import argparse
import hashlib
import json
import os
import sys
from reprlib import repr as short  # of bounded size, whatever the value

from needs import needs

needs("numpy", group="convert")

import safetensors_io  # noqa: E402
from edm2_layout import RANGES, check_config, edm2_layout  # noqa: E402
from snapshot_pickle import (  # noqa: E402
    Module, NumpyArray, NumpyScalar, Persistent, SnapshotError, Tensor, load_snapshot)

POSITIONAL = ["img_resolution", "img_channels", "label_dim", "use_fp16", "sigma_data", "logvar_channels"]
HARMLESS = {"use_fp16", "dropout"}  # without effect on what the network computes when sampling
DROPPED = {"resample_filter"}       # constant buffers that some networks carry
MAX_MODULES = 5000                 # the largest published network has about 700


def main():
    summary, example, _, requirement = __doc__.strip().split("\n\n")
    parser = argparse.ArgumentParser(
        description=f"{summary}\n{requirement}", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  " + example.strip())
    parser.add_argument("snapshot", help="the published .pkl file")
    parser.add_argument("out", help="the .safetensors file to write")
    args = parser.parse_args()
    try:
        tensors, metadata, notes = convert(args.snapshot)
        safetensors_io.save(args.out, tensors, metadata)
    except (SnapshotError, OSError) as e:
        sys.exit(f"{args.snapshot}: {e}" if isinstance(e, SnapshotError) else str(e))
    count = sum(a.size for a in tensors.values())
    for note in notes:
        print(note, file=sys.stderr)
    print(f"{args.out}: {len(tensors)} tensors, {count / 1e6:.1f} million values, "
          f"encoder {metadata['encoder']}", file=sys.stderr)


def convert(path):
    """Returns (tensors, metadata, notes on what was left out).  SnapshotError."""
    snapshot = load_snapshot(path)
    if not isinstance(snapshot, dict):
        raise SnapshotError(f"a pickle of one {type(snapshot).__name__}, expected a dictionary with 'ema'")
    net = snapshot.get("ema")
    if not isinstance(net, Persistent) or net.class_name != "Precond":
        found = f"a network of class {short(net.class_name)}" if isinstance(net, Persistent) else "no network"
        raise SnapshotError(f"'ema' holds {found}, expected EDM2's 'Precond'")
    try:
        config = check_config(constructor_arguments(net))
        layout = edm2_layout(config)
    except ValueError as e:
        raise SnapshotError(str(e)) from None
    tensors, notes = select_tensors(net, layout)
    metadata = dict(architecture="edm2", config=json.dumps(config), **encoder_metadata(snapshot.get("encoder")),
                    source=os.path.basename(path).encode("utf-8", "replace").decode(), source_sha256=sha256(path))
    return tensors, metadata, notes


def state_of(module):
    if not isinstance(module, (Module, Persistent)) or not isinstance(module.state, dict):
        raise SnapshotError("a network module without state")
    return module.state


def constructor_arguments(net):
    """The arguments of edm2_torch.EDM2, from those that the snapshot recorded."""
    args, kwargs = state_of(net).get("_init_args", ()), state_of(net).get("_init_kwargs", {})
    if not isinstance(args, (tuple, list)) or not isinstance(kwargs, dict) or len(args) > len(POSITIONAL):
        raise SnapshotError("the network's constructor arguments are missing")
    given = dict(zip(POSITIONAL, args))
    for name, value in kwargs.items():
        if not isinstance(name, str) or name in given:
            raise SnapshotError(f"constructor argument {short(name)} is given twice or not a name")
        given[name] = value
    config = {name: plain(value) for name, value in given.items() if name not in HARMLESS}
    if config.get("clip_act", 0) is None:  # no clipping: a bound that no activation reaches
        config["clip_act"] = RANGES["clip_act"][1]

    # Arguments of which only the default has a counterpart in kairos.
    multipliers = config.get("channel_mult", [1, 2, 3, 4])
    for name, defaults in {
            "channel_mult_noise": [None, multipliers[0] if _list(multipliers) else None],
            "channel_mult_emb": [None, max(multipliers) if _list(multipliers) else None],
            "resample_filter": [[1, 1], (1, 1)]}.items():
        if name in config and config.pop(name) not in defaults:
            raise SnapshotError(f"constructor argument {name!r} is not at its default")
    return config


def plain(value):
    """An argument with Python's numbers and lists in the place of NumPy's."""
    if isinstance(value, NumpyScalar):
        return value.number()
    if isinstance(value, NumpyArray):
        return value.array().tolist()
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _list(value):
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(type(v) is int for v in value)


def select_tensors(net, layout):
    """The tensors that `layout` asks for, and notes on the rest."""
    found = collect(net)
    for name, shape in layout.items():
        if name not in found:
            raise SnapshotError(f"tensor {name} is missing")
        if found[name].shape != shape:
            raise SnapshotError(f"tensor {name} has shape {list(found[name].shape)}, expected {list(shape)}")
        if not found[name].has_floats():
            raise SnapshotError(f"tensor {name} has elements of type {found[name].storage.elements.dtype}, "
                                "expected floats")
    extra = sorted(set(found) - set(layout))
    for name in extra:
        if name.split(".")[-1] not in DROPPED:
            raise SnapshotError(f"tensor {name} has no place in this network")
    return ({name: found[name].array() for name in layout},
            [f"left out: {name} (a constant of the original implementation)" for name in extra])


def collect(net):
    """{dotted name: Tensor} of a module and of those inside it."""
    found, waiting, seen = {}, [("", net)], 0
    while waiting:
        prefix, module = waiting.pop()
        seen += 1
        if seen > MAX_MODULES:
            raise SnapshotError(f"more than {MAX_MODULES} modules")
        for kind in ("_parameters", "_buffers", "_modules"):
            members = state_of(module).get(kind, {})
            if not isinstance(members, dict):
                raise SnapshotError(f"{prefix}{kind} is not a dictionary")
            for name, member in members.items():
                if not isinstance(name, str) or len(name) > 100:
                    raise SnapshotError(f"{prefix}{kind} has the name {short(name)}")
                if kind == "_modules" and member is not None:
                    waiting.append((f"{prefix}{name}.", member))
                elif isinstance(member, Tensor):
                    found[prefix + name] = member
                elif member is not None:
                    raise SnapshotError(f"{prefix}{name} is not a tensor")
    return found


def encoder_metadata(encoder):
    """What turns pixels into the network's input: nothing but scaling, or the Stability VAE."""
    if encoder is None:
        return dict(encoder="rgb")
    if not isinstance(encoder, Persistent):
        raise SnapshotError("'encoder' is not an encoder")
    if encoder.class_name == "StandardRGBEncoder":
        return dict(encoder="rgb")
    if encoder.class_name != "StabilityVAEEncoder":
        raise SnapshotError(f"unknown encoder {short(encoder.class_name)}")
    state = state_of(encoder)
    out = dict(encoder="sd-vae", encoder_vae=state.get("vae_name"))
    if not isinstance(out["encoder_vae"], str) or not out["encoder_vae"].isascii():
        raise SnapshotError("the encoder does not name its VAE")
    for name in ("scale", "bias"):
        value = state.get(name)
        values = value.array() if isinstance(value, (NumpyArray, Tensor)) else None
        if values is None or values.size != 4 or not all(abs(float(v)) < 1e6 for v in values.flat):
            raise SnapshotError(f"the encoder's {name} is not four numbers")
        out[f"encoder_{name}"] = json.dumps([float(v) for v in values.flat])
    return out


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
