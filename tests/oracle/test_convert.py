"""scripts/convert_weights.py: synthetic snapshots of the published structure, and hostile ones."""
import hashlib
import io
import json
import os
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import unittest
from collections import OrderedDict

import numpy as np
import torch

from common import ROOT, kairos, load_network, one_hot, random_network, relative_error
import convert_weights
import safetensors_io
from edm2_layout import check_config, edm2_layout
from snapshot_pickle import SnapshotError
from snapshot_writer import Call, dumps, persistent, rgb_encoder, snapshot, vae_encoder

RGB = dict(img_resolution=16, img_channels=3, label_dim=5, model_channels=16, channel_mult=[1, 2],
           num_blocks=1, attn_resolutions=[8], channels_per_head=16, sigma_data=0.6, clip_act=200)
LATENT = dict(img_resolution=8, img_channels=4, label_dim=0, model_channels=8, channel_mult=[1],
              num_blocks=1, attn_resolutions=[], channels_per_head=8)
MUTATIONS = int(os.environ.get("MUTATIONS", 3000))


def storage_bytes(values, count=None, magic=0x1950A86A20F9469CFC6C):
    """What torch.storage._load_from_bytes is given, with an element count and a magic number of choice."""
    f = io.BytesIO()
    torch.save(torch.tensor(values, dtype=torch.float16).storage(), f, _use_new_zipfile_serialization=False)
    data = f.getvalue()
    data = data.replace(pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(magic, 2))
    if count is not None:
        raw = 2 * len(values)
        data = data[:-8 - raw] + count.to_bytes(8, "little", signed=True) + data[-raw:]
    return data


def tensor_call(data, offset, shape, strides):
    return Call(torch._utils._rebuild_tensor_v2, Call(torch.storage._load_from_bytes, data),
                offset, shape, strides, False, OrderedDict())


class ConvertTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.rgb, cls.latent = random_network(RGB, 1).half(), random_network(LATENT, 2).half()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, data):
        with open(self.path("net.pkl"), "wb") as f:
            f.write(data if isinstance(data, bytes) else dumps(data))
        return self.path("net.pkl")

    def command(self, data, expect):
        """Runs the converter as a user does; what it said."""
        out = self.path("net.safetensors")
        done = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "convert_weights.py"),
                               self.write(data), out], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, expect, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def refused(self, data, *words):
        with self.assertRaises(SnapshotError) as caught:
            convert_weights.convert(self.write(data))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def check_tensors(self, net, path):
        tensors, metadata = safetensors_io.load(path)
        self.assertEqual(set(tensors), set(net.state_dict()))
        for name, value in net.state_dict().items():
            self.assertEqual(tensors[name].dtype, np.float16, name)
            self.assertEqual(tensors[name].shape, tuple(value.shape), name)
            self.assertEqual(tensors[name].tobytes(), value.numpy().tobytes(), name)
        self.assertEqual(metadata["architecture"], "edm2")
        self.assertEqual(json.loads(metadata["config"]), check_config(net.config))
        self.assertEqual(metadata["source"], "net.pkl")
        with open(self.path("net.pkl"), "rb") as f:
            self.assertEqual(metadata["source_sha256"], hashlib.sha256(f.read()).hexdigest())
        return metadata

    # ---- good snapshots ----

    def test_rgb_snapshot(self):
        data = snapshot(self.rgb, rgb_encoder(), use_fp16=True, dropout=0.1, **RGB)
        self.command(data, expect=0)
        metadata = self.check_tensors(self.rgb, self.path("net.safetensors"))
        self.assertEqual(metadata["encoder"], "rgb")
        self.assertEqual(load_network(self.path("net.safetensors")).config["clip_act"], 200)

    def test_latent_snapshot(self):
        self.latent.unet.enc["8x8_block0"].register_buffer("resample_filter", torch.ones(2, 2).half())
        try:
            data = dumps(snapshot(self.latent, vae_encoder()))
        finally:
            del self.latent.unet.enc["8x8_block0"]._buffers["resample_filter"]
        self.assertIn("left out: unet.enc.8x8_block0.resample_filter", self.command(data, expect=0))
        metadata = self.check_tensors(self.latent, self.path("net.safetensors"))
        self.assertEqual(metadata["encoder"], "sd-vae")
        self.assertEqual(metadata["encoder_vae"], "stabilityai/sd-vae-ft-mse")
        self.assertEqual(json.loads(metadata["encoder_scale"]), [0.125, 0.25, 0.5, 1])
        self.assertEqual(json.loads(metadata["encoder_bias"]), [-1, 0, 1, 2.5])

    def test_newer_numpy_and_strided_tensors(self):
        data = snapshot(self.latent, vae_encoder())
        data["ema"].args[0]["state"]["_modules"]["logvar_linear"].args[0]["state"]["_parameters"]["weight"] = \
            torch.nn.Parameter(self.latent.logvar_linear.weight.data.t().contiguous().t(), requires_grad=False)
        renamed = dumps(data).replace(b"\x8c\x15numpy.core.multiarray", b"\x8c\x16numpy._core.multiarray")
        self.assertIn(b"numpy._core", renamed)
        self.command(renamed, expect=0)
        self.check_tensors(self.latent, self.path("net.safetensors"))

    def test_layout_is_that_of_the_network(self):
        for net in (self.rgb, self.latent):
            shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
            self.assertEqual(edm2_layout(check_config(net.config)), shapes)

    def test_kairos_reads_the_result(self):
        self.command(snapshot(self.rgb, rgb_encoder()), expect=0)
        net = load_network(self.path("net.safetensors")).double()
        x = torch.randn(3, 3, 16, 16)
        sigma, labels = torch.tensor([0.05, 1.0, 20.0]), torch.tensor([4, -1, 0])
        safetensors_io.save(self.path("x.safetensors"), dict(
            x=x.numpy(), sigma=sigma.numpy(), labels=labels.numpy()))
        kairos("denoise", "--net", self.path("net.safetensors"), "--in", self.path("x.safetensors"),
               "--out", self.path("d.safetensors"), "--precision", "fp32")
        expected = net(x.double(), sigma.double(), one_hot(labels, 5, torch.float64))
        denoised = safetensors_io.load(self.path("d.safetensors"))[0]["denoised"]
        self.assertLess(relative_error(denoised, expected).max(), 1e-5)

    def converted(self, data):
        """(tensors, configuration, notes)"""
        tensors, metadata, notes = convert_weights.convert(self.write(data))
        return {name: np.array(a) for name, a in tensors.items()}, json.loads(metadata["config"]), notes

    def test_protocols(self):
        data = snapshot(self.latent, vae_encoder())
        for protocol in (2, 3, 4, 5):
            with self.subTest(protocol=protocol):
                self.command(dumps(data, protocol), expect=0)
                metadata = self.check_tensors(self.latent, self.path("net.safetensors"))
                self.assertEqual(json.loads(metadata["encoder_bias"]), [-1, 0, 1, 2.5])

    def test_arguments_of_numpy(self):
        numbers = dict(img_resolution=np.int64(16), label_dim=np.int32(5), channel_mult=[np.uint8(1), np.int64(2)],
                       attn_resolutions=np.array([8]), sigma_data=np.float64(0.6), clip_act=np.float32(200))
        for protocol in (2, 4, 5):
            _, config, _ = self.converted(dumps(snapshot(self.rgb, rgb_encoder(), **{**RGB, **numbers}), protocol))
            self.assertEqual(config, check_config(RGB))
        self.refused(snapshot(self.rgb, rgb_encoder(), **{**RGB, "label_dim": np.float64(5.5)}), "label_dim: 5.5")
        self.refused(snapshot(self.rgb, rgb_encoder(), **{**RGB, "clip_act": np.complex64(5)}), "malformed NumPy number")

    def test_no_clipping(self):
        self.command(snapshot(self.rgb, rgb_encoder(), **{**RGB, "clip_act": None}), expect=0)
        self.assertEqual(load_network(self.path("net.safetensors")).config["clip_act"], 1e30)
        self.assertIn("parameters", kairos("info", "--net", self.path("net.safetensors")))

    def test_types_of_weights(self):
        for dtype, stored in ((torch.bfloat16, np.float32), (torch.float32, np.float32), (torch.float64, np.float64)):
            with self.subTest(dtype=dtype):
                net = random_network(RGB, 1).to(dtype)
                self.command(snapshot(net, rgb_encoder()), expect=0)
                tensors, _ = safetensors_io.load(self.path("net.safetensors"))
                for name, value in net.state_dict().items():
                    self.assertEqual(tensors[name].dtype, stored, name)
                    np.testing.assert_array_equal(tensors[name], value.double().numpy(), name)
                self.assertIn("parameters", kairos("info", "--net", self.path("net.safetensors")))

    def test_integers_elsewhere(self):
        """Of no concern, unless they stand where weights belong."""
        data = snapshot(self.latent, rgb_encoder())
        state = data["ema"].args[0]["state"]
        kinds = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
        data["training"] = [torch.ones(3, dtype=kind) for kind in kinds]
        state["seen"] = torch.tensor(5)
        self.assertEqual(set(self.converted(data)[0]), set(self.latent.state_dict()))
        state["_modules"]["logvar_fourier"].args[0]["state"]["_buffers"]["freqs"] = torch.ones(128, dtype=torch.int64)
        self.refused(data, "tensor logvar_fourier.freqs has elements of type int64, expected floats")

    # ---- snapshots that are not ----

    def test_other_globals_are_refused_by_name(self):
        marker = self.path("executed")
        for call, name in [
                (Call(os.system, f"touch {marker}"), "posix system"),
                (Call(eval, f"open({marker!r}, 'w')"), "builtins eval"),
                (Call(getattr, "text", "upper"), "builtins getattr"),
                (Call(torch.load, marker), "torch.serialization load"),
                (Call(open, marker, "w"), "io open"),
                (Call(subprocess.Popen, ["touch", marker]), "subprocess Popen")]:
            self.refused(dict(ema=call), name, "not among the globals")
            self.refused(dict(ema=Call(torch.storage._load_from_bytes, dumps(call))), name)
        self.assertIn("posix system is not among the globals of an EDM2 snapshot",
                      self.command(dict(ema=Call(os.system, f"touch {marker}")), expect=1))
        self.assertFalse(os.path.exists(marker))

    def test_nested_tuples_are_not_hashed(self):
        self.refused(b"\x80\x04})" + b"\x85" * 1000000 + b"Ns.", "a key of type tuple")
        self.refused(b"\x80\x04\x8f()" + b"\x85" * 1000000 + b"\x90.", "a key of type tuple")

    def test_bytes_of_protocol_2(self):
        encode = b"\x80\x02c_codecs\nencode\n"
        self.refused(encode + b"X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8\x86R.", "bytes in the encoding 'utf-8'")
        self.refused(encode + b"K\x01X\x06\x00\x00\x00latin1\x86R.", "bytes in the encoding")
        self.refused(encode + b"N}X\x05\x00\x00\x00knownK\x01s\x86b.", "tries to change _codecs.encode.known")
        # A megabyte, encoded 100,000 times over, is one megabyte.
        text = b"X" + (1 << 20).to_bytes(4, "little") + b"\x7f" * (1 << 20)
        again = b"h\x00h\x01X\x06\x00\x00\x00latin1\x86R"
        self.refused(encode + b"q\x00" + text + b"q\x01(" + again * 100000 + b"l.", "list")

    def test_classes_cannot_be_changed(self):
        # GLOBAL, then BUILD with a state of (None, {attribute: value}), which sets attributes.
        patch = (b"\x80\x04ctorch._utils\n_rebuild_parameter\n"
                 b"N}X\x07\x00\x00\x00__new__X\x01\x00\x00\x00xs\x86b.")
        self.refused(patch, "tries to change Parameter.__new__")

    def test_arguments(self):
        net, rgb = self.latent, rgb_encoder()
        self.refused(snapshot(net, rgb, **LATENT, secret=1), "secret")
        self.refused(snapshot(net, rgb, **LATENT, channel_mult_emb=7), "channel_mult_emb")
        self.refused(snapshot(net, rgb, **{**LATENT, "num_blocks": 10 ** 9}), "num_blocks")
        self.refused(snapshot(net, rgb, **{**LATENT, "sigma_data": "0.5"}), "sigma_data")
        self.refused(snapshot(net, rgb, **{**LATENT, "img_channels": 3}), "unet.", "expected [")
        self.refused(snapshot(net, rgb, **{**LATENT, "label_dim": 3}), "unet.emb_label.weight is missing")
        self.refused(snapshot(net, rgb, img_resolution=8, label_dim=0), "img_channels")
        convert_weights.convert(self.write(snapshot(net, rgb, **LATENT, channel_mult_emb=1)))

    def test_wrong_objects(self):
        rgb = rgb_encoder()
        self.refused([1, 2], "list")
        self.refused({}, "no network")
        self.refused(dict(ema=persistent("EDMPrecond", {}), encoder=rgb), "EDMPrecond")
        self.refused(snapshot(self.latent, persistent("MyEncoder", {})), "MyEncoder")
        data = snapshot(self.latent, rgb)
        data["ema"].args[0]["state"]["_parameters"]["extra"] = torch.ones(2)
        self.refused(data, "tensor extra has no place")

    def test_modules_that_contain_themselves(self):
        # Opcodes by hand, since pickle.dumps cannot: the module is memoized, then its state is set.
        def dictionary(**members):
            return b"}(" + b"".join(text(k) + v for k, v in members.items()) + b"u"

        def text(value):
            return b"\x8c" + bytes([len(value)]) + value.encode()

        meta = dictionary(class_name=text("Precond"))
        state = dictionary(_modules=dictionary(loop=b"h\x00"), _init_kwargs=dictionary(
            img_resolution=b"K\x08", img_channels=b"K\x04", label_dim=b"K\x00"))
        module = (text("torch_utils.persistence") + text("_reconstruct_persistent_obj") + b"\x93"
                  + meta + b"\x85R\x94" + state + b"b")
        self.refused(b"\x80\x04" + dictionary(ema=module) + b".", "more than 5000 modules")

    def test_storages_and_tensors(self):
        def with_tensor(call):
            data = snapshot(self.latent, rgb_encoder())
            modules = data["ema"].args[0]["state"]["_modules"]
            modules["logvar_fourier"].args[0]["state"]["_buffers"]["freqs"] = call
            return data

        values = [1.0] * 128
        good = storage_bytes(values)
        convert_weights.convert(self.write(with_tensor(tensor_call(good, 0, (128,), (1,)))))
        for call, word in [
                (tensor_call(good, 1, (128,), (1,)), "reaches element 128 of a storage of 128"),
                (tensor_call(good, 0, (128,), (2,)), "reaches element 254"),
                (tensor_call(good, 0, (129,), (0,)), "storage of 128 elements"),
                (tensor_call(good, 0, (1 << 40,), (0,)), "storage of 128 elements"),
                (tensor_call(good, 127, (128,), (-1,)), "strides (-1,)"),
                (tensor_call(good, -1, (128,), (1,)), "offset -1"),
                (tensor_call(good, 0, (128, 1), (1,)), "shape (128, 1)"),
                (tensor_call(storage_bytes(values, magic=42), 0, (128,), (1,)), "magic number"),
                (tensor_call(storage_bytes(values, count=127), 0, (128,), (1,)), "128 elements with data for 127"),
                (tensor_call(storage_bytes(values, count=-1), 0, (128,), (1,)), "data for -1"),
                (tensor_call(good[:-2], 0, (128,), (1,)), "truncated"),
                (tensor_call(good + b"\0\0", 0, (128,), (1,)), "2 bytes too many"),
                (tensor_call(storage_bytes(values[1:]), 0, (127,), (1,)), "shape [127], expected [128]")]:
            self.refused(with_tensor(call), word)

    def test_files_that_are_not_snapshots(self):
        data = dumps(snapshot(self.latent, rgb_encoder()))
        for size in list(range(0, 64)) + list(range(64, len(data), len(data) // 200)) + [len(data) - 1]:
            self.refused(data[:size])
        self.refused(b"PK\x03\x04" + data, "ZIP")
        self.refused(b"\x89PNG\r\n\x1a\n" + data, "not a pickle")
        for broken in (b"", b"\x80", data[:len(data) // 2]):
            with open(self.path("net.safetensors"), "w") as f:
                f.write("an older file")
            self.assertIn("net.pkl: ", self.command(broken, expect=1))
            with open(self.path("net.safetensors")) as f:
                self.assertEqual(f.read(), "an older file")
            self.assertEqual([name for name in os.listdir(self.folder.name) if "partial" in name], [])

    def test_random_mutations(self):
        """Flipped, removed, repeated and foreign bytes: a snapshot or a SnapshotError, in little memory."""
        snapshots, rng = [dumps(snapshot(self.latent, vae_encoder()), protocol) for protocol in (2, 4)], random.Random(0)
        # Most bytes are weights; mutate those of the pickle itself ten times as often.
        structures = [[i for i in range(len(data)) if data[i:i + 1].isascii()] for data in snapshots]
        limit = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as f:
            in_use = int(f.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + (1 << 29), limit[1]))
        converted = 0
        try:
            for _ in range(MUTATIONS):
                data, structure = rng.choice(list(zip(snapshots, structures)))
                mutated = bytearray(data)
                for _ in range(rng.choice([1, 1, 2, 8])):
                    at = rng.choice(structure) if rng.random() < 0.9 else rng.randrange(len(mutated))
                    at = min(at, len(mutated) - 1)
                    kind = rng.randrange(4)
                    if kind == 0:
                        mutated[at] ^= 1 << rng.randrange(8)
                    elif kind == 1:
                        mutated[at] = rng.choice(b"(.0RbsuQh\x93\x95\x81\x8e\x94\xff\x00" + bytes([rng.randrange(256)]))
                    elif kind == 2:
                        del mutated[at:at + rng.choice([1, 4, 100])]
                    else:
                        begin = rng.randrange(len(data))
                        mutated[at:at] = data[begin:begin + rng.choice([1, 8, 200])]
                try:
                    tensors, metadata, _ = convert_weights.convert(self.write(bytes(mutated)))
                    sum(a.tobytes().count(0) for a in tensors.values())
                    json.loads(metadata["config"])
                    converted += 1
                except SnapshotError:
                    pass
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limit)
        print(f"{MUTATIONS} mutations: {converted} still snapshots, the others refused")
        self.assertLess(converted, MUTATIONS)


if __name__ == "__main__":
    unittest.main()
