"""`kairos denoise` against the reference network, for every precision and engine.

Prints a table of the largest relative L2 error of D(x; sigma) at each noise level.
"""
import sys
import unittest

import numpy as np
import torch

from common import SHIPPED, FolderCase, kairos, load_network, one_hot, random_network, relative_error, save_network
import safetensors_io

SIGMAS = [0.002, 0.02, 0.2, 0.5, 2.0, 10.0, 80.0]
BOUNDS = dict(fp32=1e-5, fp16=2e-3, bf16=1.5e-2)
LOGVAR_BOUND = 2e-5  # absolute, in every precision: the uncertainty head is float32 throughout

# Odd on purpose: no count of channels is a multiple of 8, widths rise and fall, balances are off center.
UNCONDITIONAL = dict(img_resolution=24, img_channels=3, label_dim=0, sigma_data=0.7, logvar_channels=33,
                     model_channels=20, channel_mult=[1, 2, 3], num_blocks=2, attn_resolutions=[12, 6],
                     label_balance=0.3, concat_balance=0.35, channels_per_head=20, res_balance=0.4,
                     attn_balance=0.2, clip_act=1.5)
CONDITIONAL = dict(img_resolution=20, img_channels=2, label_dim=7, logvar_channels=50, model_channels=12,
                   channel_mult=[2, 1, 3], num_blocks=1, attn_resolutions=[20, 5], label_balance=0.7,
                   concat_balance=0.6, channels_per_head=12, res_balance=0.25, attn_balance=0.45, clip_act=2.0)
ONE_LEVEL = dict(img_resolution=9, img_channels=1, label_dim=1, model_channels=13, channel_mult=[1],
                 num_blocks=1, attn_resolutions=[9], channels_per_head=13)
XS = dict(img_resolution=64, img_channels=4, label_dim=1000, model_channels=128)


def inputs(net, seed, sigmas=SIGMAS):
    """One noisy image at each noise level, with labels where the network takes them."""
    rng = np.random.default_rng(seed)
    shape = (len(sigmas), net.img_channels, net.img_resolution, net.img_resolution)
    sigma = np.array(sigmas, np.float32)
    x = net.sigma_data * rng.standard_normal(shape) + sigma[:, None, None, None] * rng.standard_normal(shape)
    data = dict(x=x.astype(np.float32), sigma=sigma)
    if net.label_dim:
        data["labels"] = rng.integers(-1, net.label_dim, len(sigmas))
        data["labels"][1] = -1
    return data


def reference(net, data):
    """denoised and logvar by the reference network, in the network's own precision."""
    dtype = net.unet.out_gain.dtype
    labels = one_hot(data["labels"], net.label_dim, dtype) if "labels" in data else None
    denoised, logvar = net(torch.from_numpy(data["x"]).to(dtype), torch.from_numpy(data["sigma"]).to(dtype),
                           labels, logvar=True)
    return denoised.numpy(), logvar.numpy().reshape(-1)


def clipped_share(net, data):
    """The largest share of values of a block's output that its clamp has touched."""
    shares = []
    hooks = [block.register_forward_hook(
        lambda block, _, out: shares.append((out.abs() >= block.clip_act).float().mean().item()))
        for group in (net.unet.enc, net.unet.dec) for name, block in group.items() if not name.endswith("_conv")]
    reference(net, data)
    for hook in hooks:
        hook.remove()
    return max(shares)


class DenoiseTest(FolderCase):
    def compare(self, name, weights, data, expected, precision, engine, *options):
        safetensors_io.save(self.path("x.safetensors"), data)
        kairos("denoise", "--net", weights, "--in", self.path("x.safetensors"), "--out",
               self.path("d.safetensors"), "--precision", precision, "--engine", engine, *options)
        out = safetensors_io.load(self.path("d.safetensors"))[0]
        denoised, logvar = expected
        self.assertEqual(out["denoised"].dtype, np.float32)
        self.assertEqual(out["denoised"].shape, denoised.shape)
        self.assertEqual(out["logvar"].shape, logvar.shape)
        errors = relative_error(out["denoised"], denoised)
        difference = np.abs(out["logvar"] - logvar).max()
        print(f"{name:14} {precision} {engine:7} " + " ".join(f"{e:8.1e}" for e in errors)
              + f" {difference:8.1e}", file=sys.stderr)
        self.assertLessEqual(errors.max(), BOUNDS[precision], f"{name}, {precision}, {engine}: relative errors")
        self.assertLessEqual(difference, LOGVAR_BOUND, f"{name}, {precision}, {engine}: logvar")

    def compare_all(self, name, weights, net, seed):
        data = inputs(net, seed)
        expected = reference(net, data)
        print(f"{'network':14} type engine  " + " ".join(f"{s:8g}" for s in SIGMAS) + "   logvar", file=sys.stderr)
        for engine in ("native", "library"):
            for precision in BOUNDS:
                with self.subTest(engine=engine, precision=precision):
                    self.compare(name, weights, data, expected, precision, engine)

    def test_shipped_model(self):
        self.compare_all("fashion-mnist", SHIPPED, load_network(SHIPPED).double(), 1)

    def test_odd_networks(self):
        for name, config in [("unconditional", UNCONDITIONAL), ("conditional", CONDITIONAL),
                             ("one level", ONE_LEVEL)]:
            net = random_network(config, seed=2)
            save_network(self.path("net.safetensors"), net)
            net.double()
            if config.get("clip_act", 256) < 10:
                self.assertGreater(clipped_share(net, inputs(net, 3)), 0.02)
            self.compare_all(name, self.path("net.safetensors"), net, 3)

    def test_full_size_network(self):
        net = random_network(XS, seed=4)
        save_network(self.path("xs.safetensors"), net, encoder="sd-vae", half=True)
        data = inputs(net, 5, [0.1, 3.0])
        expected = reference(net, data)
        for precision in BOUNDS:
            with self.subTest(precision=precision):
                self.compare("EDM2-XS", self.path("xs.safetensors"), data, expected, precision, "library")

    def test_labels_are_optional(self):
        """Without labels a conditional network is the unconditional one: the zero label."""
        net = load_network(SHIPPED).double()
        data = inputs(net, 6)
        data["labels"][:] = -1
        expected = reference(net, data)
        del data["labels"]
        self.compare("no labels", SHIPPED, data, expected, "fp32", "library")

    def test_guidance(self):
        """D = D_ref + W (D - D_ref): from the model's own zero label, and from another network."""
        net = load_network(SHIPPED).double()
        guide = random_network(dict(img_resolution=32, img_channels=1, label_dim=0, model_channels=16,
                                    channel_mult=[1, 2], num_blocks=1, attn_resolutions=[16],
                                    channels_per_head=16), seed=8)
        save_network(self.path("guide.safetensors"), guide)
        guide.double()
        data = inputs(net, 7)
        denoised, logvar = reference(net, data)
        zero = reference(net, {**data, "labels": np.full(len(SIGMAS), -1)})[0]
        other = reference(guide, {key: data[key] for key in ("x", "sigma")})[0]
        for name, ref, weight, options in (("zero label", zero, 3, []), ("weight 0", zero, 0, []),
                                           ("gnet", other, 1.5, ["--gnet", self.path("guide.safetensors")])):
            with self.subTest(name):
                guided = ref + weight * (denoised - ref)
                self.compare(name, SHIPPED, data, (guided, logvar), "fp32", "library", "--guidance", weight, *options)


if __name__ == "__main__":
    unittest.main()
