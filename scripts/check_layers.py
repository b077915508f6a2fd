"""Checks that no file includes anything of a layer above it, as ARCHITECTURE.md promises.

    python3 scripts/check_layers.py [FOLDER]
"""
import fnmatch
import os
import re
import sys

# From the top down.  A file belongs to the layer with the longest pattern that matches it.
LAYERS = [
    ("the program", ["host/main.c"]),
    ("commands", ["host/commands/*"]),
    ("sweeps", ["host/sweep/*"]),
    ("one-dimensional experiments", ["host/toy/*"]),
    ("quality", ["host/quality/*"]),
    ("measuring", ["host/measure/*"]),
    ("jobs", ["host/job.[ch]", "host/manifest.[ch]"]),
    ("the sampler", ["host/sampler.[ch]", "host/random.[ch]"]),
    ("the denoiser", ["host/denoiser.[ch]"]),
    ("networks", ["host/nets/*"]),
    ("the arena", ["host/arena.[ch]"]),
    ("schedules", ["host/schedule/*"]),
    ("files", ["host/io/*", "host/layout.[ch]", "host/libraries.c", "host/processor.[ch]", "host/version.h"]),
    ("operations", ["kernels/*.cu", "kernels/conv.h"]),
    ("device code", ["kernels/device/*", "kernels/context.h"]),
    ("the kernels' interface", ["kernels/kernels.h"]),
    ("the CPU's libraries", ["kernels/simt/*.cpp"]),
    ("targets", ["kernels/device/launch.cuh", "kernels/device/vector.cuh"]),
    ("errors and random numbers", ["kernels/error.[ch]", "kernels/device/philox.h"]),
    ("the CPU's CUDA", ["kernels/simt/*.h"]),
]

# All that the host may know of kernels/.
HOST_SEES = ["kernels/kernels.h", "kernels/error.h", "kernels/device/philox.h"]
# They need no device, also through what they include.
WITHOUT_DEVICE = ["host/toy/*", "host/schedule/*", "host/io/*", "host/layout.[ch]"]
DEVICE = "kernels/kernels.h"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = (".c", ".h", ".cu", ".cuh", ".cpp")
ROOTS = ("host", "kernels", "kernels/simt/include")


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def layer_of(path):
    """Its number, from the top; None if it has none."""
    found = [(len(pattern), number) for number, (_, patterns) in enumerate(LAYERS)
             for pattern in patterns if fnmatch.fnmatch(path, pattern)]
    return max(found)[1] if found else None


def find_sources(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for root in ("host", "kernels")
                  for at, _, names in os.walk(os.path.join(folder, root)) for name in names if name.endswith(SOURCES))


def find_include(name, path, sources):
    """The source that `path` includes by this name; None if it is none of them."""
    for root in (os.path.dirname(path), *ROOTS):
        candidate = os.path.normpath(os.path.join(root, name))
        if candidate in sources:
            return candidate
    return None


class Check:
    def __init__(self, folder):
        self.sources = set(find_sources(folder))
        self.errors = []
        self.includes = {path: self.read(folder, path) for path in sorted(self.sources)}

    def read(self, folder, path):
        """The sources that the file includes: [(line, path)]."""
        found = []
        with open(os.path.join(folder, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                include = INCLUDE.match(line)
                if include is None:
                    continue
                quote, name = include.groups()
                target = find_include(name, path, self.sources)
                if target is not None:
                    found.append((number, target))
                elif quote == '"':
                    self.errors.append(f'{path}:{number} includes "{name}", which is neither in host/ nor in kernels/')
        return found

    def check_layers(self, path):
        own = layer_of(path)
        if own is None:
            self.errors.append(f"{path} belongs to no layer: name it in the table of scripts/check_layers.py")
            return
        for number, target in self.includes[path]:
            layer = layer_of(target)
            if layer is not None and layer < own:
                self.errors.append(f"{path}:{number} includes {target}, of the layer '{LAYERS[layer][0]}' "
                                   f"above its own, '{LAYERS[own][0]}'")
            if path.startswith("host/") and target.startswith("kernels/") and target not in HOST_SEES:
                self.errors.append(f"{path}:{number} includes {target}: the host sees only {', '.join(HOST_SEES)}")

    def way_to_device(self, path, seen):
        """The files from `path` to the device's interface, each included by the one before; None if there are none."""
        if path == DEVICE:
            return [path]
        seen.add(path)
        for _, target in self.includes[path]:
            way = self.way_to_device(target, seen) if target not in seen else None
            if way is not None:
                return [path, *way]
        return None

    def check_device(self, path):
        way = self.way_to_device(path, set()) if matches(path, WITHOUT_DEVICE) else None
        if way is not None:
            self.errors.append(f"{path} is to need no device, but includes {', which includes '.join(way[1:])}")

    def run(self):
        for path in sorted(self.sources):
            self.check_layers(path)
            self.check_device(path)
        return self.errors


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    check = Check(folder)
    errors = check.run()
    for error in errors:
        print(error, file=sys.stderr)
    if not check.sources:
        sys.exit(f"{folder}: no sources in host/ and kernels/")
    if errors:
        sys.exit(1)
    print(f"layers: ok, {len(check.sources)} files in {len(LAYERS)} layers")


if __name__ == "__main__":
    main()
