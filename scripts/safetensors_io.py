"""Reader and writer of the safetensors format: u64 header length, JSON header, raw little-endian data.

Tensors are memory-mapped when read and written one after the other, so files of several GB need no
more memory than their largest tensor.  A file appears whole or not at all.
"""
import json
import math
import os
import struct

import numpy as np

DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I64": np.int64,
          "I32": np.int32, "U8": np.uint8}
NAMES = {np.dtype(v): k for k, v in DTYPES.items()}
MAX_HEADER = 100_000_000  # bytes; the limit of the reference implementation


def save(path, tensors, metadata=None):
    """tensors: name -> array; metadata: name -> string (other values are stored as str(value))."""
    # Largest elements first, so that each tensor is aligned to its own element size.
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = {key: str(value) for key, value in metadata.items()}
    for name in names:
        a = tensors[name]
        if a.dtype not in NAMES:
            raise ValueError(f"{name}: safetensors_io does not write elements of type {a.dtype}")
        header[name] = {"dtype": NAMES[a.dtype], "shape": list(a.shape),
                        "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    partial = f"{path}.{os.getpid()}.partial"
    try:
        with open(partial, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for name in names:
                f.write(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise


def load(path):
    """Returns ({name: read-only array}, metadata).  ValueError if the file is not what it says it is."""
    size = os.path.getsize(path)
    with open(path, "rb") as f:
        prefix = f.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else size
        if length > min(size - 8, MAX_HEADER):
            raise ValueError(f"{path}: not a safetensors file: its header does not fit its {size} bytes")
        header = json.loads(f.read(length))
    data = np.memmap(path, np.uint8, "r", offset=8 + length) if size > 8 + length else np.empty(0, np.uint8)
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{path}: {name}: unknown element type {entry['dtype']}")
        dtype, (begin, end) = np.dtype(DTYPES[entry["dtype"]]), entry["data_offsets"]
        expected = math.prod(entry["shape"]) * dtype.itemsize
        if not 0 <= begin <= end <= len(data) or end - begin != expected:
            raise ValueError(f"{path}: {name}: bytes {begin} to {end} of {len(data)} cannot hold "
                             f"{entry['dtype']} {entry['shape']}")
        tensors[name] = np.asarray(data[begin:end]).view(dtype).reshape(entry["shape"])
    return tensors, metadata
