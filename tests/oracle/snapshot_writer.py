"""Writes synthetic snapshots of exactly the structure of the published EDM2 .pkl files.

The published files name modules that are not installed here (dnnlib, torch_utils), so stand-ins of
those names are registered for the pickler to refer to; nothing of them is needed for reading.
"""
import copy
import pickle
import sys
import types
from collections import OrderedDict

import numpy as np
import torch


class EasyDict(dict):
    pass


def _reconstruct_persistent_obj(meta):
    raise AssertionError("the converter must never call this")


def _register(path, *members):
    for depth in range(1, path.count(".") + 2):
        sys.modules.setdefault(".".join(path.split(".")[:depth]), types.ModuleType(path))
    for member in members:
        member.__module__ = path
        setattr(sys.modules[path], member.__name__, member)


_register("dnnlib.util", EasyDict)
_register("torch_utils.persistence", _reconstruct_persistent_obj)


class Call:
    """Pickled as the call function(*args)."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def persistent(class_name, state):
    return Call(_reconstruct_persistent_obj, dict(
        type="class", version=6, class_name=class_name, state=state,
        module_src="raise SystemExit('source code in a snapshot must not be executed')\n"))


def wrap(module, init_kwargs=None):
    """An nn.Module of edm2_torch as the objects that its published counterpart consists of."""
    state = {name: copy.copy(value) if isinstance(value, dict) else value
             for name, value in module.__dict__.items()}
    state["_modules"] = OrderedDict((name, wrap(child)) for name, child in module._modules.items())
    if isinstance(module, torch.nn.ModuleDict):
        module = copy.copy(module)
        module.__dict__ = state
        return module
    state.pop("config", None)
    state.update(_init_args=(), _init_kwargs=EasyDict(init_kwargs or {}))
    return persistent({"EDM2": "Precond"}.get(type(module).__name__, type(module).__name__), state)


def rgb_encoder():
    return persistent("StandardRGBEncoder", dict(_init_args=(), _init_kwargs=EasyDict()))


def vae_encoder():
    return persistent("StabilityVAEEncoder", dict(
        _init_args=(), _init_kwargs=EasyDict(vae_name="stabilityai/sd-vae-ft-mse"),
        vae_name="stabilityai/sd-vae-ft-mse", batch_size=8, _vae=None,
        scale=np.float32([0.125, 0.25, 0.5, 1]), bias=np.float32([-1, 0, 1, 2.5])))


def snapshot(net, encoder, **init_kwargs):
    """init_kwargs: what to record as constructor arguments in place of the network's own."""
    return EasyDict(ema=wrap(net, init_kwargs or net.config), encoder=encoder,
                    dataset_kwargs=EasyDict(class_name="training.dataset.ImageFolderDataset", resolution=64),
                    loss_fn=None)


def dumps(data, protocol=4):
    return pickle.dumps(data, protocol=protocol)
