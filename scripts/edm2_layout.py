"""The configuration of an EDM2 network and the tensors that follow from it.

The names of the tensors are those of the published snapshots; Fig. 21 of Karras et al., "Analyzing and
Improving the Training Dynamics of Diffusion Models" (CVPR 2024).
"""
from reprlib import repr as short  # of bounded size, whatever the value

DEFAULTS = dict(img_resolution=None, img_channels=None, label_dim=None, sigma_data=0.5,
                logvar_channels=128, model_channels=192, channel_mult=[1, 2, 3, 4], num_blocks=3,
                attn_resolutions=[16, 8], label_balance=0.5, concat_balance=0.5, channels_per_head=64,
                res_balance=0.3, attn_balance=0.3, clip_act=256.0)
RANGES = dict(img_resolution=(1, 4096), img_channels=(1, 1024), label_dim=(0, 1 << 20),
              sigma_data=(1e-6, 1e6), logvar_channels=(1, 65536), model_channels=(1, 65536),
              channel_mult=(1, 64), num_blocks=(1, 64), attn_resolutions=(1, 4096),
              label_balance=(0, 1), concat_balance=(0, 1), channels_per_head=(1, 65536),
              res_balance=(0, 1), attn_balance=(0, 1), clip_act=(0, 1e30))


def check_config(config):
    """A complete, plain copy: defaults filled in, every value of its type and in its range.  ValueError."""
    unknown = sorted(set(config) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"unknown constructor argument {short(unknown[0])}")
    out = {}
    for name, default in DEFAULTS.items():
        value = config.get(name, default)
        if value is None:
            raise ValueError(f"constructor argument {name!r} is missing")
        if isinstance(default, list):
            if not isinstance(value, (list, tuple)) or len(value) > 16:
                raise ValueError(f"{name}: {short(value)} is not a short list")
            out[name] = [_number(name, v, int) for v in value]
        else:
            out[name] = _number(name, value, float if isinstance(default, float) else int)
    levels = len(out["channel_mult"])
    if levels == 0 or out["img_resolution"] % (1 << (levels - 1)):
        raise ValueError(f"img_resolution {out['img_resolution']} cannot be halved {levels - 1} times")
    return out


def _number(name, value, kind):
    if type(value) not in ((int,) if kind is int else (int, float)):
        raise ValueError(f"{name}: {short(value)} is not {'an integer' if kind is int else 'a number'}")
    low, high = RANGES[name]
    if not low <= value <= high:
        raise ValueError(f"{name}: {short(value)} is not between {low} and {high}")
    return kind(value)


def edm2_layout(config):
    """{name: shape} of every tensor of the network with this (checked) configuration."""
    widths = [config["model_channels"] * m for m in config["channel_mult"]]
    resolutions = [config["img_resolution"] >> level for level in range(len(widths))]
    cemb = max(widths)
    shapes = {
        "logvar_fourier.freqs": (config["logvar_channels"],),
        "logvar_fourier.phases": (config["logvar_channels"],),
        "logvar_linear.weight": (1, config["logvar_channels"]),
        "unet.emb_fourier.freqs": (widths[0],),
        "unet.emb_fourier.phases": (widths[0],),
        "unet.emb_noise.weight": (cemb, widths[0]),
        "unet.out_gain": (),
    }
    if config["label_dim"]:
        shapes["unet.emb_label.weight"] = (cemb, config["label_dim"])

    def block(name, cin, cout, attention=False):
        part = "unet." + name
        shapes[f"{part}.emb_gain"] = ()
        shapes[f"{part}.emb_linear.weight"] = (cout, cemb)
        # An encoder block's skip convolution comes first, so its other layers see cout channels.
        shapes[f"{part}.conv_res0.weight"] = (cout, cin if name.startswith("dec") else cout, 3, 3)
        shapes[f"{part}.conv_res1.weight"] = (cout, cout, 3, 3)
        if cin != cout:
            shapes[f"{part}.conv_skip.weight"] = (cout, cin, 1, 1)
        if attention:
            if cout % config["channels_per_head"]:
                raise ValueError(f"{name}: {cout} channels are no multiple of channels_per_head = "
                                 f"{config['channels_per_head']}")
            shapes[f"{part}.attn_qkv.weight"] = (3 * cout, cout, 1, 1)
            shapes[f"{part}.attn_proj.weight"] = (cout, cout, 1, 1)

    cout, skips = config["img_channels"] + 1, []
    for level, (res, width) in enumerate(zip(resolutions, widths)):
        if level == 0:
            shapes[f"unet.enc.{res}x{res}_conv.weight"] = (width, cout, 3, 3)
            cout = width
        else:
            block(f"enc.{res}x{res}_down", cout, cout)
        skips.append(cout)
        for i in range(config["num_blocks"]):
            block(f"enc.{res}x{res}_block{i}", cout, width, res in config["attn_resolutions"])
            cout = width
            skips.append(cout)
    for res, width in reversed(list(zip(resolutions, widths))):
        if res == resolutions[-1]:
            block(f"dec.{res}x{res}_in0", cout, cout, True)
            block(f"dec.{res}x{res}_in1", cout, cout)
        else:
            block(f"dec.{res}x{res}_up", cout, cout)
        for i in range(config["num_blocks"] + 1):
            block(f"dec.{res}x{res}_block{i}", cout + skips.pop(), width, res in config["attn_resolutions"])
            cout = width
    shapes["unet.out_conv.weight"] = (config["img_channels"], cout, 3, 3)
    return shapes
