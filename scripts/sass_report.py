#!/usr/bin/env python3
"""What ptxas made of the kernels: a table of registers, spills, occupancy, matrix instructions and accesses of memory.

    sass_report.py build/cuda/kernels/*.cu.o
    sass_report.py --check build/cuda/kernels/*.cu.o     # and a line for each limit that does not hold

It runs on machines without a GPU.  cuobjdump and nvdisasm come from PATH or CUDA's folder, else pip installs them.
"""
import argparse
import json
import os
import re
import sys

from sass_objects import DEFAULT_BLOCK, SHARED_RESERVED, ToolError, access_bits, read_object, tools_path

COUNTED = ("FFMA", "HMMA", "HGMMA", "LDGSTS", "LDSM", "UTMALDG")
ELEMENT_BYTES = {"float": 4, "__half": 2, "__nv_bfloat16": 2}
PACK_BYTES = 16
REGISTERS, WARPS, BLOCKS = 65536, 64, 32  # of a multiprocessor, on each of the architectures below
SHARED_BYTES = {"sm_80": 164 << 10, "sm_90a": 228 << 10, "sm_100": 228 << 10}  # of a multiprocessor


def resident_blocks(kernel):
    """Blocks that a multiprocessor holds at once, if they take no dynamic shared memory."""
    warps = (kernel.block + 31) // 32
    registers = (kernel.registers + 7) // 8 * 8 * 32  # of a warp: in units of 256
    by_registers = REGISTERS // registers // 4 * 4 // warps  # a quarter of the warps for each scheduler
    by_shared = SHARED_BYTES[kernel.arch] // ((kernel.shared + SHARED_RESERVED + 127) // 128 * 128)
    return min(BLOCKS, WARPS // warps, by_registers, by_shared)


def occupancy(kernel):
    return resident_blocks(kernel) * ((kernel.block + 31) // 32) / WARPS


# ---- limits ---------------------------------------------------------------------------------------

def pack_of(name):
    """The type and the width that a kernel works at, by its template arguments <..., T, V, ...>; else None.

    So that no list of such kernels has to be kept: one that takes packs says so by its width.
    """
    pairs = re.findall(r"(?<=[<,])\s?([A-Za-z_][\w:]*), (\d+)(?=[,>])", name)
    return next(((type_name, int(width)) for type_name, width in pairs if type_name not in ("true", "false")), None)


def check_packs(kernel):
    """A kernel on packs of 16 bytes or more moves 16 bytes at a time, whatever it reads or writes."""
    pack = pack_of(kernel.name)
    if pack is None:
        return
    if pack[0] not in ELEMENT_BYTES:
        yield f"elements of type {pack[0]}", f"one of {', '.join(ELEMENT_BYTES)}"
    elif ELEMENT_BYTES[pack[0]] * pack[1] >= PACK_BYTES:
        for kind, what in (("LDG", "loads"), ("STG", "stores")):
            access = {key: count for key, count in kernel.access.items() if key.split(".")[0] in (kind, kind[:2])}
            if not access or any(access_bits(key) < 8 * PACK_BYTES for key in access):
                yield f"{what} {counts_text(access)}", f"{kind}.{8 * PACK_BYTES} only, since it works on packs of 16 bytes"


def violations(kernels, architectures):
    """Lines that name kernel, architecture, what was found and what was expected."""
    for kernel in kernels:
        found = list(check_packs(kernel))
        if kernel.spilled:
            found.append((f"a frame of {kernel.stack} bytes, {kernel.declared} of them declared", "no spills"))
        for what, expected in found:
            yield f"{kernel.name} ({kernel.object}) on {kernel.arch}: {what}; expected {expected}"
    # A check of nothing would pass.
    for arch in architectures:
        of_arch = [kernel for kernel in kernels if kernel.arch == arch]
        missing = {kernel.name for kernel in kernels} - {kernel.name for kernel in of_arch}
        if missing or not of_arch:
            yield f"{min(missing, default='kernels')} on {arch}: no code; expected code for each architecture"
        elif not any(pack_of(kernel.name) for kernel in of_arch):
            yield f"kernels on {arch}: none works on packs; expected template arguments <T, V, ...>"


# ---- output ---------------------------------------------------------------------------------------

def counts_text(counts):
    return " ".join(f"{key} x{count}" for key, count in sorted(counts.items())) or "none"


def spill_text(kernel):
    return str(kernel.stack - kernel.declared) if kernel.spilled else "-"


def columns_of(kernel):
    counts = [str(kernel.opcodes[opcode] or "-") for opcode in COUNTED]
    return [kernel.name, kernel.arch, str(kernel.registers), spill_text(kernel), str(kernel.shared or "-"),
            f"{kernel.block}{'' if kernel.bounds else '*'}", f"{resident_blocks(kernel)}", f"{occupancy(kernel):.0%}",
            str(len(kernel.instructions)), *counts, counts_text(kernel.access)]


def table(kernels):
    heads = ["kernel", "arch", "regs", "spill", "shared", "block", "resident", "occ.", "instr.", *COUNTED, "memory accesses"]
    rows = [heads] + [columns_of(kernel) for kernel in kernels]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    align = [str.ljust, str.ljust] + [str.rjust] * (len(heads) - 3) + [str.ljust]
    lines = ["  ".join(align[i](row[i], widths[i]) for i in range(len(heads))).rstrip() for row in rows]
    return "\n".join(lines + [f"* no __launch_bounds__: {DEFAULT_BLOCK} threads assumed.  Occupancy and resident blocks: "
                              "without dynamic shared memory.  Sizes in bytes."])


def as_json(kernel):
    return {"kernel": kernel.name, "arch": kernel.arch, "object": kernel.object, "registers": kernel.registers,
            "stack_bytes": kernel.stack, "declared_bytes": kernel.declared, "spilled": kernel.spilled,
            "static_shared_bytes": kernel.shared, "block": kernel.block, "block_from_launch_bounds": bool(kernel.bounds),
            "resident_blocks": resident_blocks(kernel), "occupancy": occupancy(kernel),
            "instructions": len(kernel.instructions),
            "opcodes": {opcode: kernel.opcodes[opcode] for opcode in COUNTED}, "access": dict(sorted(kernel.access.items()))}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("objects", nargs="+", help="object files that nvcc made")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a limit does not hold")
    parser.add_argument("--json", metavar="FILE", help="write the same numbers there")
    parser.add_argument("--arch", nargs="+", default=list(SHARED_BYTES), choices=list(SHARED_BYTES),
                        help="architectures that --check expects each kernel in (default: all)")
    parser.add_argument("--cuda", default="/usr/local/cuda", metavar="FOLDER", help="where CUDA is (default: %(default)s)")
    parser.add_argument("--tools", default="build/sass-tools", metavar="FOLDER",
                        help="where pip may put cuobjdump and nvdisasm (default: %(default)s)")
    return parser.parse_args()


def main():
    options = arguments()
    environment = {**os.environ, "PATH": tools_path(options.cuda, options.tools)}
    kernels = [kernel for path in options.objects for kernel in read_object(path, environment)]
    if unknown := {kernel.arch for kernel in kernels} - set(SHARED_BYTES):
        raise ToolError(f"code for {', '.join(sorted(unknown))}, whose limits are not known: add them to SHARED_BYTES")
    kernels.sort(key=lambda kernel: (kernel.object, kernel.name, list(SHARED_BYTES).index(kernel.arch)))
    if options.json:
        with open(options.json, "w") as file:
            json.dump([as_json(kernel) for kernel in kernels], file, indent=1)
    print(table(kernels))
    if not options.check:
        return 0
    broken = list(violations(kernels, options.arch))
    for line in broken:
        print(f"sass_report.py: {line}", file=sys.stderr)
    if not broken:
        print(f"Limits hold on {', '.join(options.arch)}: no spills, packs move {PACK_BYTES} bytes at a time.")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolError as error:
        sys.exit(f"sass_report.py: {error}")
