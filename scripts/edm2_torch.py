"""EDM2 denoiser in PyTorch: trains the shipped model, and is the oracle that the engine is checked against.

Written from "Analyzing and Improving the Training Dynamics of Diffusion Models"
(Karras et al., CVPR 2024; equation numbers below are that paper's) for clarity,
not speed.  Parameter names are those of the published EDM2 snapshots, so a state
dict of either loads into the other.

Shapes: images and feature maps are NCHW, float32 (float64 after net.double()); sigma is [N];
labels are one-hot [N, label_dim] or None (= all zeros, the unconditional label).
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-4  # inside every normalization (see unit_rms)


def at_least_float32(x):
    return x.to(torch.promote_types(x.dtype, torch.float32))


def unit_rms(x, dims):
    """x scaled so that its RMS over `dims` is ~1:  x / (EPS + ||x|| * sqrt(1/n))."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    norm = torch.linalg.vector_norm(x, dim=dims, keepdim=True, dtype=dtype)
    count = x.numel() // norm.numel()
    return x / (EPS + norm / math.sqrt(count)).to(x.dtype)


def mp_silu(x):  # Eq. 81
    return F.silu(x) / 0.596


def mp_sum(a, b, t):  # Eq. 88
    return ((1 - t) * a + t * b) / math.sqrt((1 - t) ** 2 + t ** 2)


def mp_cat(a, b, t):  # Eq. 103, over channels
    na, nb = a.shape[1], b.shape[1]
    c = math.sqrt((na + nb) / ((1 - t) ** 2 + t ** 2))
    return torch.cat([a * (c * (1 - t) / math.sqrt(na)), b * (c * t / math.sqrt(nb))], dim=1)


class MPFourier(nn.Module):  # Eq. 75
    def __init__(self, channels):
        super().__init__()
        self.register_buffer("freqs", 2 * math.pi * torch.randn(channels))
        self.register_buffer("phases", 2 * math.pi * torch.rand(channels))

    def forward(self, x):
        return torch.cos(x[:, None] * self.freqs + self.phases) * math.sqrt(2)


class MPConv(nn.Module):  # Eq. 47; kernel=() is a fully connected layer
    def __init__(self, cin, cout, kernel=()):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cout, cin, *kernel))

    def effective_weight(self, gain=1.0):
        """The plain weight that the layer applies: what an inference engine bakes."""
        w = unit_rms(at_least_float32(self.weight), tuple(range(1, self.weight.ndim)))
        return w * (gain / math.sqrt(self.weight[0].numel()))

    def forward(self, x, gain=1.0):
        w = self.effective_weight(gain).to(x.dtype)
        if w.ndim == 2:
            return x @ w.t()
        return F.conv2d(x, w, padding=w.shape[-1] // 2)

    @torch.no_grad()
    def force_normalize(self):  # Eq. 66, after every optimizer step
        self.weight.copy_(unit_rms(self.weight, tuple(range(1, self.weight.ndim))))


class Block(nn.Module):  # Fig. 21
    def __init__(self, cin, cout, cemb, decoder, mode="keep", attention=False,
                 channels_per_head=64, res_balance=0.3, attn_balance=0.3, clip_act=256.0):
        super().__init__()
        self.decoder, self.mode, self.out_channels = decoder, mode, cout
        self.res_balance, self.attn_balance, self.clip_act = res_balance, attn_balance, clip_act
        self.heads = cout // channels_per_head if attention else 0
        self.emb_gain = nn.Parameter(torch.zeros([]))
        self.conv_res0 = MPConv(cin if decoder else cout, cout, (3, 3))
        self.emb_linear = MPConv(cemb, cout)
        self.conv_res1 = MPConv(cout, cout, (3, 3))
        self.conv_skip = MPConv(cin, cout, (1, 1)) if cin != cout else None
        self.attn_qkv = MPConv(cout, cout * 3, (1, 1)) if self.heads else None
        self.attn_proj = MPConv(cout, cout, (1, 1)) if self.heads else None

    def attend(self, x):
        """Cosine attention. qkv channels are laid out [head][channel][q,k,v]."""
        n, c, h, w = x.shape
        d = c // self.heads
        qkv = self.attn_qkv(x).reshape(n, self.heads, d, 3, h * w)
        q, k, v = unit_rms(qkv, (2,)).unbind(3)
        a = torch.einsum("nhcq,nhck->nhqk", q, k / math.sqrt(d)).softmax(dim=3)
        return self.attn_proj(torch.einsum("nhqk,nhck->nhcq", a, v).reshape(n, c, h, w))

    def forward(self, x, emb):
        if self.mode == "down":  # filter [1,1]: a 2x2 mean
            x = F.avg_pool2d(x, 2)
        elif self.mode == "up":  # filter [1,1]: each pixel repeated 2x2
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        if not self.decoder:
            if self.conv_skip is not None:
                x = self.conv_skip(x)
            x = unit_rms(x, (1,))
        y = self.conv_res0(mp_silu(x))
        c = self.emb_linear(emb, gain=self.emb_gain) + 1
        y = self.conv_res1(mp_silu(y * c[:, :, None, None].to(y.dtype)))
        if self.decoder and self.conv_skip is not None:
            x = self.conv_skip(x)
        x = mp_sum(x, y, self.res_balance)
        if self.heads:
            x = mp_sum(x, self.attend(x), self.attn_balance)
        return x.clamp(-self.clip_act, self.clip_act)


class UNet(nn.Module):
    def __init__(self, img_resolution, img_channels, label_dim, model_channels=192,
                 channel_mult=(1, 2, 3, 4), num_blocks=3, attn_resolutions=(16, 8),
                 label_balance=0.5, concat_balance=0.5, **block):
        super().__init__()
        widths = [model_channels * m for m in channel_mult]
        cemb = max(widths)
        self.label_balance, self.concat_balance = label_balance, concat_balance
        self.out_gain = nn.Parameter(torch.zeros([]))
        self.emb_fourier = MPFourier(widths[0])
        self.emb_noise = MPConv(widths[0], cemb)
        self.emb_label = MPConv(label_dim, cemb) if label_dim else None

        self.enc = nn.ModuleDict()
        cout, skips = img_channels + 1, []
        for level, width in enumerate(widths):
            res = img_resolution >> level
            if level == 0:
                self.enc[f"{res}x{res}_conv"] = MPConv(cout, width, (3, 3))
                cout = width
            else:
                self.enc[f"{res}x{res}_down"] = Block(cout, cout, cemb, False, "down", **block)
            skips.append(cout)
            for i in range(num_blocks):
                self.enc[f"{res}x{res}_block{i}"] = Block(
                    cout, width, cemb, False, attention=res in attn_resolutions, **block)
                cout = width
                skips.append(cout)

        self.dec = nn.ModuleDict()
        for level, width in reversed(list(enumerate(widths))):
            res = img_resolution >> level
            if level == len(widths) - 1:
                self.dec[f"{res}x{res}_in0"] = Block(cout, cout, cemb, True, attention=True, **block)
                self.dec[f"{res}x{res}_in1"] = Block(cout, cout, cemb, True, **block)
            else:
                self.dec[f"{res}x{res}_up"] = Block(cout, cout, cemb, True, "up", **block)
            for i in range(num_blocks + 1):
                self.dec[f"{res}x{res}_block{i}"] = Block(
                    cout + skips.pop(), width, cemb, True, attention=res in attn_resolutions, **block)
                cout = width
        self.out_conv = MPConv(cout, img_channels, (3, 3))

    def forward(self, x, c_noise, labels):
        emb = self.emb_noise(self.emb_fourier(c_noise))
        if self.emb_label is not None:
            emb = mp_sum(emb, self.emb_label(labels * math.sqrt(labels.shape[1])), self.label_balance)
        emb = mp_silu(emb)
        x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        skips = []
        for name, layer in self.enc.items():
            x = layer(x) if name.endswith("_conv") else layer(x, emb)
            skips.append(x)
        for name, layer in self.dec.items():
            if "block" in name:
                x = mp_cat(x, skips.pop(), self.concat_balance)
            x = layer(x, emb)
        return self.out_conv(x, gain=self.out_gain)


class EDM2(nn.Module):
    """D(x; sigma): the denoised image, and with logvar=True also u(sigma), the log of the
    expected weighted loss per dimension (Eq. 21), which needs no data to evaluate."""

    def __init__(self, img_resolution, img_channels, label_dim, sigma_data=0.5,
                 logvar_channels=128, **unet):
        super().__init__()
        self.config = dict(img_resolution=img_resolution, img_channels=img_channels,
                           label_dim=label_dim, sigma_data=sigma_data,
                           logvar_channels=logvar_channels, **unet)
        self.img_resolution, self.img_channels = img_resolution, img_channels
        self.label_dim, self.sigma_data = label_dim, sigma_data
        self.unet = UNet(img_resolution, img_channels, label_dim, **unet)
        self.logvar_fourier = MPFourier(logvar_channels)
        self.logvar_linear = MPConv(logvar_channels, 1)

    def forward(self, x, sigma, labels=None, logvar=False):
        if self.label_dim and labels is None:
            labels = torch.zeros(x.shape[0], self.label_dim, dtype=x.dtype, device=x.device)
        sigma = at_least_float32(sigma)
        s, d = sigma.reshape(-1, 1, 1, 1), self.sigma_data
        c_skip = d ** 2 / (s ** 2 + d ** 2)
        c_out = s * d / (s ** 2 + d ** 2).sqrt()
        c_in = 1 / (s ** 2 + d ** 2).sqrt()
        c_noise = sigma.log() / 4
        denoised = c_skip * x + c_out * at_least_float32(self.unet(c_in * x, c_noise, labels))
        if not logvar:
            return denoised
        return denoised, self.logvar_linear(self.logvar_fourier(c_noise)).reshape(-1, 1, 1, 1)

    def force_normalize(self):
        for m in self.modules():
            if isinstance(m, MPConv):
                m.force_normalize()
