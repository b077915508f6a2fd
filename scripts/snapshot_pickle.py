"""Reads a published EDM2 snapshot (.pkl) without executing anything in it.

A pickle is a small program: it names globals, calls them and sets their attributes.  Here every name
that such a snapshot contains means one of the inert classes below, and any other name is refused.  The
Python source that snapshots carry inside themselves is never looked at.

The pure-Python unpickler of the standard library serves as base, not the C one: it can be told to
return large byte strings as views of the memory-mapped file, so that a 3 GB snapshot is never copied,
and a hostile file cannot make it allocate more than the file's own size.
"""
import math
import mmap
import pickle
import struct
from reprlib import repr as short  # of bounded size, whatever the value

import numpy as np

LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # torch.save before version 1.6
MAX_LINE = 65536  # bytes of a text argument; only old pickles have any
LARGE = 256       # bytes from which a byte string is a view


class SnapshotError(Exception):
    """What is wrong with a snapshot, in a sentence."""


class Reader:
    """A position in a buffer; what an unpickler takes for a file."""

    def __init__(self, data):
        self.data, self.position = memoryview(data), 0

    def view(self, size):
        if size > len(self.data) - self.position:
            raise SnapshotError(f"truncated: {size} bytes wanted at byte {self.position}, "
                                f"but there are only {len(self.data)}")
        self.position += size
        return self.data[self.position - size:self.position]

    def read(self, size):
        return bytes(self.view(size))

    def readline(self):
        rest = bytes(self.data[self.position:self.position + MAX_LINE])
        end = rest.find(b"\n")
        if end < 0:
            raise SnapshotError(f"a line without end at byte {self.position}")
        return self.read(end + 1)


# ---- what the globals of a snapshot mean ------------------------------------------------------------

class Sealed(type):
    """Metaclass of all stand-ins: a pickle can set the state of instances, nothing in the classes."""

    def __setattr__(cls, name, value):
        raise SnapshotError(f"the pickle tries to change {cls.__name__}.{name}")


class Dict(dict, metaclass=Sealed):
    """collections.OrderedDict and dnnlib.util.EasyDict, created empty."""

    def __init__(self):
        super().__init__()


class Inert(metaclass=Sealed):
    """An object of which only the constructor's arguments and the state are kept."""

    def __init__(self, *args):
        self.args, self.state = args, None

    def __setstate__(self, state):
        self.state = state


class Module(Inert):
    """An object of torch.nn.modules.*; its state is its __dict__."""


class Persistent(Inert):
    """An object that carries its own class as source code, which stays unread."""

    def __init__(self, meta):
        super().__init__()
        if not isinstance(meta, dict) or not isinstance(meta.get("class_name"), str):
            raise SnapshotError("a persistent object without a class name")
        self.class_name, self.state = meta["class_name"], meta.get("state")


class NumpyDtype(Inert):
    """numpy.dtype: args[0] is its name, state[1] its byte order."""


    def plain(self):
        """The NumPy type; ValueError."""
        name, order = self.args[0], self.state[1]
        if name not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8") or order not in ("<", "|"):
            raise ValueError("not of little-endian numbers")
        return np.dtype("<" + name)


class NumpyArray(Inert):
    """numpy.ndarray: state is (version, shape, dtype, fortran order, bytes)."""

    def array(self):
        try:
            _, shape, dtype, fortran, data = self.state
            return np.frombuffer(data, dtype.plain()).reshape(shape, order="F" if fortran else "C")
        except Exception as e:  # the state can be anything
            raise SnapshotError(f"a malformed NumPy array: {e}") from None


class NumpyBuffer(NumpyArray):
    """numpy.core.numeric._frombuffer: how protocol 5 writes an array."""

    def __init__(self, data, dtype, shape, order):
        super().__init__()
        self.state = (1, shape, dtype, order == "F", data)


class NumpyScalar(Inert):
    """numpy.core.multiarray.scalar: args are its type and its bytes."""

    def number(self):
        try:
            dtype, data = self.args
            value, = np.frombuffer(data, dtype.plain())
            return value.item()
        except Exception as e:  # the arguments can be anything
            raise SnapshotError(f"a malformed NumPy number: {e}") from None


class HalfStorage(metaclass=Sealed):
    dtype = np.dtype("<f2")


class BFloat16Storage(metaclass=Sealed):
    dtype = np.dtype([("bfloat16", "<u2")])  # NumPy has no such numbers: they are the upper halves of float32


class FloatStorage(metaclass=Sealed):
    dtype = np.dtype("<f4")


class DoubleStorage(metaclass=Sealed):
    dtype = np.dtype("<f8")


class LongStorage(metaclass=Sealed):
    dtype = np.dtype("<i8")


class IntStorage(metaclass=Sealed):
    dtype = np.dtype("<i4")


class ShortStorage(metaclass=Sealed):
    dtype = np.dtype("<i2")


class CharStorage(metaclass=Sealed):
    dtype = np.dtype("i1")


class ByteStorage(metaclass=Sealed):
    dtype = np.dtype("u1")


class BoolStorage(metaclass=Sealed):
    dtype = np.dtype("?")


STORAGES = (HalfStorage, BFloat16Storage, FloatStorage, DoubleStorage, LongStorage, IntStorage, ShortStorage, CharStorage,
            ByteStorage, BoolStorage)


class Storage(metaclass=Sealed):
    """The elements of a tensor, from the bytes that torch.storage._load_from_bytes is given."""

    def __init__(self, data):
        reader = Reader(data)
        if load_pickle(reader, LEGACY_GLOBALS) != LEGACY_MAGIC:
            raise SnapshotError("a storage that does not begin with PyTorch's magic number")
        version = load_pickle(reader, LEGACY_GLOBALS)
        if version != LEGACY_PROTOCOL:
            raise SnapshotError(f"a storage of protocol {short(version)}, expected {LEGACY_PROTOCOL}")
        system = load_pickle(reader, LEGACY_GLOBALS)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise SnapshotError("a storage that is not little-endian")
        handle = load_pickle(reader, LEGACY_GLOBALS)
        keys = load_pickle(reader, LEGACY_GLOBALS)
        if not isinstance(handle, StorageHandle) or keys != [handle.key]:
            raise SnapshotError("a byte string that holds something other than one storage")
        count, = struct.unpack("<q", reader.read(8))
        if count != handle.count:
            raise SnapshotError(f"a storage of {handle.count} elements with data for {count}")
        raw = reader.view(count * handle.dtype.itemsize)
        if reader.position != len(reader.data):
            raise SnapshotError(f"{len(reader.data) - reader.position} bytes too many after a storage")
        self.elements = np.frombuffer(raw, handle.dtype)


class StorageHandle(metaclass=Sealed):
    """The persistent id ('storage', type, key, location, count[, view]) inside such bytes."""

    def __init__(self, pid):
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
            raise SnapshotError("a malformed persistent id")
        kind, self.key, count = pid[1], pid[2], pid[4]
        if kind not in STORAGES:
            raise SnapshotError(f"a storage of unknown type {short(kind)}")
        if type(count) is not int or not 0 <= count < 1 << 40:
            raise SnapshotError(f"a storage of {short(count)} elements")
        if len(pid) == 6 and pid[5] is not None:
            raise SnapshotError("a view of another storage")
        self.dtype, self.count = kind.dtype, count


class Tensor(metaclass=Sealed):
    """torch._utils._rebuild_tensor_v2."""

    def __init__(self, storage, offset, shape, strides, *_):
        if not isinstance(storage, Storage):
            raise SnapshotError("a tensor without a storage")
        for numbers in (shape, strides, (offset,)):
            if not isinstance(numbers, tuple) or any(type(n) is not int or n < 0 for n in numbers):
                raise SnapshotError(f"a tensor with shape {short(shape)}, strides {short(strides)}, "
                                    f"offset {short(offset)}")
        available = len(storage.elements)
        if len(shape) != len(strides) or len(shape) > 8 or math.prod(shape) > available:
            raise SnapshotError(f"a tensor of shape {short(shape)} and strides {short(strides)} "
                                f"over a storage of {available} elements")
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
        if 0 not in shape and last >= available:
            raise SnapshotError(f"a tensor that reaches element {last} of a storage of {available}")
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def has_floats(self):
        dtype = self.storage.elements.dtype
        return dtype == BFloat16Storage.dtype or dtype.kind == "f"

    def array(self):
        """A view of the file, whose elements need not be aligned; of bfloat16 a copy as float32."""
        elements = self.storage.elements[self.offset:]
        if 0 in self.shape:
            return np.empty(self.shape, np.float32 if elements.dtype == BFloat16Storage.dtype else elements.dtype)
        size = elements.dtype.itemsize
        values = np.lib.stride_tricks.as_strided(
            elements, self.shape, [s * size for s in self.strides], writeable=False)
        if self.storage.elements.dtype == BFloat16Storage.dtype:
            return np.asarray(np.left_shift(values["bfloat16"], 16, dtype="<u4")).view("<f4")
        return values


class Parameter(metaclass=Sealed):
    """torch._utils._rebuild_parameter: the tensor itself."""

    def __new__(cls, tensor, *_):
        if not isinstance(tensor, Tensor):
            raise SnapshotError("a parameter that is not a tensor")
        return tensor


class Encode:
    """_codecs.encode: protocol 2 writes bytes as a text of Latin-1.  A text is encoded once, however often the pickle
    asks, so that it takes no more memory than the file has bytes."""

    __slots__ = ("known",)

    def __init__(self):
        object.__setattr__(self, "known", {})

    def __setattr__(self, name, value):
        raise SnapshotError(f"the pickle tries to change _codecs.encode.{name}")

    def __call__(self, text, encoding):
        if type(text) is not str or encoding != "latin1":
            raise SnapshotError(f"bytes in the encoding {short(encoding)}, expected 'latin1'")
        if text not in self.known:
            self.known[text] = text.encode("latin1")
        return self.known[text]


class Set(Inert):
    """set: the protocols before 4 write it as a call with a list."""


class NoBytes(metaclass=Sealed):
    """__builtin__.bytes: protocol 2 writes empty bytes as a call without arguments."""

    def __new__(cls):
        return b""


SNAPSHOT_GLOBALS = {
    ("collections", "OrderedDict"): Dict,
    ("dnnlib.util", "EasyDict"): Dict,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Persistent,
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    ("torch._utils", "_rebuild_parameter"): Parameter,
    ("torch.storage", "_load_from_bytes"): Storage,
    ("numpy", "ndarray"): Inert,
    ("numpy", "dtype"): NumpyDtype,
    ("__builtin__", "bytes"): NoBytes,
    ("__builtin__", "set"): Set,
    ("builtins", "set"): Set,
}
for _module in ("numpy.core", "numpy._core"):
    SNAPSHOT_GLOBALS[f"{_module}.multiarray", "_reconstruct"] = NumpyArray
    SNAPSHOT_GLOBALS[f"{_module}.multiarray", "scalar"] = NumpyScalar
    SNAPSHOT_GLOBALS[f"{_module}.numeric", "_frombuffer"] = NumpyBuffer
LEGACY_GLOBALS = {
    ("collections", "OrderedDict"): Dict,
    **{("torch", storage.__name__): storage for storage in STORAGES},
}


# ---- the unpickler ----------------------------------------------------------------------------------

class Unpickler(pickle._Unpickler):
    def __init__(self, reader, known):
        super().__init__(reader, fix_imports=False)
        self.reader, self.known, self.encode = reader, known, Encode()

    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):
            return self.encode
        if (module, name) in self.known:
            return self.known[module, name]
        if self.known is SNAPSHOT_GLOBALS and module.startswith("torch.nn.modules."):
            return Module
        raise SnapshotError(f"{module[:200]} {name[:200]} is not among the globals of an EDM2 snapshot")

    def persistent_load(self, pid):
        if self.known is not LEGACY_GLOBALS:
            raise SnapshotError("a persistent id outside of a storage")
        return StorageHandle(pid)

    def load_frame(self):
        # A frame only groups opcodes for reading ahead, which a mapped file has no use for.
        self.read(8)

    def load_binbytes(self):
        self.push_bytes(struct.unpack("<I", self.read(4))[0])

    def load_binbytes8(self):  # and a bytearray, which nothing here changes
        self.push_bytes(struct.unpack("<Q", self.read(8))[0])

    def push_bytes(self, size):
        self.append(self.reader.view(size) if size >= LARGE else self.read(size))

    def refuse(self):
        raise SnapshotError("an opcode that snapshots do not have")

    # Keys are hashed, and hashing nested tuples recurses without limit; snapshots have plain ones.
    def check_keys(self, keys):
        for key in keys:
            if type(key) not in (str, int):
                raise SnapshotError(f"a key of type {type(key).__name__}")

    def load_setitem(self):
        self.check_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self):
        self.check_keys(self.stack[::2])
        super().load_setitems()

    def load_dict(self):
        self.check_keys(self.stack[::2])
        super().load_dict()

    def load_additems(self):
        self.check_keys(self.stack)
        super().load_additems()

    def load_frozenset(self):
        self.check_keys(self.stack)
        super().load_frozenset()

    dispatch = dict(pickle._Unpickler.dispatch)
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.ADDITEMS[0]] = load_additems
    dispatch[pickle.FROZENSET[0]] = load_frozenset
    dispatch[pickle.FRAME[0]] = load_frame
    dispatch[pickle.BINBYTES[0]] = load_binbytes
    dispatch[pickle.BINBYTES8[0]] = dispatch[pickle.BYTEARRAY8[0]] = load_binbytes8
    for _opcode in (pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
                    pickle.EXT1, pickle.EXT2, pickle.EXT4):
        dispatch[_opcode[0]] = refuse


def load_pickle(reader, known):
    """The next pickle of `reader`.  Whatever is wrong with it comes out as a SnapshotError."""
    try:
        return Unpickler(reader, known).load()
    except SnapshotError:
        raise
    except Exception as e:  # each of the many ways in which an unpickler stumbles over wrong bytes
        raise SnapshotError(f"a malformed pickle, at byte {reader.position}: "
                            f"{type(e).__name__}: {e}") from None


def load_snapshot(path):
    """The object in the file: dicts, Module, Persistent, ... whose tensors are views of the mapped file."""
    with open(path, "rb") as f:
        start = f.read(4)
        if start[:2] == b"PK":
            raise SnapshotError("a ZIP archive (torch.save?), expected a plain pickle")
        if len(start) < 2 or start[0] != pickle.PROTO[0] or start[1] > pickle.HIGHEST_PROTOCOL:
            raise SnapshotError(f"not a pickle: it begins with {start!r}")
        data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    return load_pickle(Reader(data), SNAPSHOT_GLOBALS)
