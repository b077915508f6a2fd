"""Trains the small Fashion-MNIST classifier whose penultimate features play Inception's part in
the Frechet distance of the embedded default, and writes the reference statistics.

    python3 scripts/train_classifier.py --epochs 14 --out DIR

Writes DIR/features.safetensors (weights; metadata 'architecture' = 'convnet') and
DIR/reference.safetensors (mu [128], sigma [128,128] float64 of the 60,000 training images and,
as 'test.mu' and 'test.sigma', of the 10,000 test images).
"""
import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import fashion_mnist
import safetensors_io

LAYERS = [(1, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1)]  # cin, cout, stride


class ConvNet(nn.Module):
    """3x3 convolutions (padding 1) with bias and ReLU, global mean: features [N,128]; then 10 logits."""

    def __init__(self):
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(i, o, 3, stride=s, padding=1) for i, o, s in LAYERS)
        self.fc = nn.Linear(128, 10)

    def features(self, x):
        for conv in self.conv:
            x = F.relu(conv(x))
        return x.mean(dim=(2, 3))

    def forward(self, x):
        return self.fc(self.features(x))


def quantize(x):
    """What a PNG would hold, back in [-1,1]: trunc(clip(127.5 x + 128, 0, 255)) / 127.5 - 1."""
    return (x * 127.5 + 128).clamp(0, 255).floor() / 127.5 - 1


@torch.no_grad()
def statistics(net, images, batch=500):
    f = torch.cat([net.features(images[i:i + batch]) for i in range(0, len(images), batch)]).double()
    return f.mean(0).numpy(), np.cov(f.numpy(), rowvar=False)


def frechet_distance(mu1, sigma1, mu2, sigma2):
    """||mu1-mu2||^2 + Tr(sigma1 + sigma2 - 2 (sigma1 sigma2)^1/2), by symmetric eigenvalues."""
    w, v = np.linalg.eigh(sigma1)
    root = (v * np.sqrt(np.maximum(w, 0))) @ v.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ sigma2 @ root), 0)).sum()
    return float(((mu1 - mu2) ** 2).sum() + np.trace(sigma1) + np.trace(sigma2) - 2 * cross)


def main():
    args = argparse.ArgumentParser(
        description="Trains the small classifier whose features kairos evaluate compares (needs PyTorch).",
        epilog="example: python3 scripts/train_classifier.py --out out/classifier")
    args.add_argument("--epochs", type=int, default=14, help="passes over the training set (default 14)")
    args.add_argument("--out", default=".", help="folder for features.safetensors and reference.safetensors")
    args = args.parse_args()
    os.makedirs(args.out, exist_ok=True)
    torch.manual_seed(0)
    np.random.seed(0)
    torch.set_num_threads(os.cpu_count())
    images, labels = fashion_mnist.load("train")
    test_images, test_labels = fashion_mnist.load("t10k")
    net = ConvNet().to(memory_format=torch.channels_last)
    opt = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    steps = args.epochs * (len(images) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=steps)
    for epoch in range(args.epochs):
        for pick in torch.randperm(len(images))[:len(images) // 128 * 128].split(128):
            dy, dx = np.random.randint(-2, 3, 2)
            x = torch.roll(images[pick], (int(dy), int(dx)), (2, 3))
            loss = F.cross_entropy(net(x.contiguous(memory_format=torch.channels_last)), labels[pick])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            schedule.step()
        with torch.no_grad():
            hits = sum((net(test_images[i:i + 500]).argmax(1) == test_labels[i:i + 500]).sum().item()
                       for i in range(0, 10000, 500))
        print(f"epoch {epoch}: loss {loss.item():.4f}, test accuracy {hits / 100:.2f} %", flush=True)

    tensors = {k: v.detach().contiguous().numpy() for k, v in net.state_dict().items()}
    safetensors_io.save(os.path.join(args.out, "features.safetensors"), tensors, dict(
        architecture="convnet", layers="[[1,32,1],[32,64,2],[64,64,1],[64,128,2],[128,128,1]]",
        input="1x32x32 in [-1,1]", dataset="fashion-mnist 32x32", test_accuracy=hits / 10000,
        license="Apache-2.0", data_license="MIT (Fashion-MNIST, Zalando SE)"))
    mu, sigma = statistics(net, images)
    test_mu, test_sigma = statistics(net, test_images)
    safetensors_io.save(os.path.join(args.out, "reference.safetensors"), {
        "mu": mu, "sigma": sigma, "test.mu": test_mu, "test.sigma": test_sigma},
        dict(num_images=60000, detector="features.safetensors"))
    print("Frechet distance of test to train images:", frechet_distance(mu, sigma, test_mu, test_sigma))


if __name__ == "__main__":
    main()
