"""Trains the small EDM2 model on Fashion-MNIST that serves as the embedded default.

    python3 scripts/train_fashion_mnist.py --minutes 110 --out DIR

Writes DIR/model.safetensors (EMA weights, float32) every few minutes, with the network's
configuration and the training record in the file's metadata.  Loss: EDM2 Eq. 21, with the
learned uncertainty u(sigma); 10 % of the labels are dropped, so that the zero label is the
unconditional model.
"""
import argparse
import json
import math
import os
import time

import torch

import fashion_mnist
import safetensors_io
from edm2_torch import EDM2

CONFIG = dict(img_resolution=32, img_channels=1, label_dim=10, sigma_data=0.5,
              model_channels=32, channel_mult=[1, 2, 2], num_blocks=1,
              attn_resolutions=[8], channels_per_head=32)
P_MEAN, P_STD, LABEL_DROPOUT = -0.6, 1.6, 0.1
BATCH, LR, LR_DECAY_AT, RAMP_UP, EMA_GAMMA = 128, 0.01, 1500, 100, 6.94


def save(path, net, **record):
    tensors = {k: v.detach().float().contiguous().numpy() for k, v in net.state_dict().items()}
    safetensors_io.save(path, tensors, dict(
        architecture="edm2", config=json.dumps(net.config), encoder="rgb",
        dataset="fashion-mnist 32x32", p_mean=P_MEAN, p_std=P_STD,
        license="Apache-2.0", data_license="MIT (Fashion-MNIST, Zalando SE)", **record))


def main():
    args = argparse.ArgumentParser(
        description="Trains the small Fashion-MNIST model that ships with kairos (needs PyTorch).",
        epilog="example: python3 scripts/train_fashion_mnist.py --minutes 110 --out out/train")
    args.add_argument("--minutes", type=float, default=110, help="how long to train (default 110)")
    args.add_argument("--out", default=".", help="folder for model.safetensors and train.log")
    args = args.parse_args()
    os.makedirs(args.out, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(os.cpu_count())

    images, labels = fashion_mnist.load("train")
    net = EDM2(**CONFIG).train().to(memory_format=torch.channels_last)
    ema = EDM2(**CONFIG).eval()
    ema.load_state_dict(net.state_dict())
    opt = torch.optim.Adam(net.parameters(), lr=LR, betas=(0.9, 0.99))
    log = open(os.path.join(args.out, "train.log"), "w", buffering=1)

    start, step, running, saved = time.time(), 0, None, 0.0
    order = torch.randperm(len(images))
    while time.time() - start < args.minutes * 60:
        cursor = step * BATCH % (len(images) - BATCH)
        if cursor < BATCH:
            order = torch.randperm(len(images))
        pick = order[cursor:cursor + BATCH]
        x = images[pick]
        onehot = torch.eye(10)[labels[pick]]
        onehot[torch.rand(BATCH) < LABEL_DROPOUT] = 0
        sigma = torch.exp(P_MEAN + P_STD * torch.randn(BATCH))
        s = sigma.reshape(-1, 1, 1, 1)
        noisy = (x + s * torch.randn_like(x)).contiguous(memory_format=torch.channels_last)

        with torch.cpu.amp.autocast(dtype=torch.bfloat16):
            denoised, u = net(noisy, sigma, onehot, logvar=True)
        weight = (s ** 2 + net.sigma_data ** 2) / (s * net.sigma_data) ** 2
        u = u.float()
        loss = (weight / u.exp() * (denoised.float() - x) ** 2 + u).mean()

        for group in opt.param_groups:
            group["lr"] = LR * min(step / RAMP_UP, 1) / math.sqrt(max(step / LR_DECAY_AT, 1))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        net.force_normalize()
        step += 1
        beta = (1 - 1 / step) ** (EMA_GAMMA + 1)
        with torch.no_grad():
            for p, q in zip(ema.parameters(), net.parameters()):
                p.lerp_(q, 1 - beta)

        running = loss.item() if running is None else 0.99 * running + 0.01 * loss.item()
        elapsed = time.time() - start
        if step % 100 == 0:
            print(f"{elapsed:7.0f} s  step {step:6d}  images {step * BATCH:8d}  loss {running:.4f}",
                  file=log)
        if elapsed - saved > 300:
            saved = elapsed
            save(os.path.join(args.out, "model.safetensors"), ema, images_seen=step * BATCH)
    save(os.path.join(args.out, "model.safetensors"), ema, images_seen=step * BATCH)


if __name__ == "__main__":
    main()
