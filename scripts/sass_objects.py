"""What ptxas made of the kernels in object files: read with cuobjdump and nvdisasm, which nvcc's toolkit may lack."""
import collections
import dataclasses
import functools
import glob
import math
import os
import re
import shutil
import subprocess
import sys

TOOLS = ("cuobjdump", "nvdisasm")
DEFAULT_BLOCK = 256  # threads: BLOCK of kernels/device/launch.cuh, for kernels without __launch_bounds__
SHARED_RESERVED = 1 << 10  # bytes of each block's shared memory that the system takes


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One kernel as one architecture has it.  Sizes are bytes."""
    name: str  # with its template arguments
    arch: str
    object: str
    registers: int
    stack: int  # its frame in local memory: `declared`, and what ptxas spills
    declared: int  # arrays that the PTX keeps in local memory
    shared: int  # static
    bounds: int  # threads of a block by __launch_bounds__; 0 = it has none
    instructions: list  # (opcode, operands)

    @property
    def block(self):
        return self.bounds or DEFAULT_BLOCK

    @functools.cached_property
    def opcodes(self):
        return collections.Counter(opcode.split(".")[0] for opcode, _ in self.instructions)

    @functools.cached_property
    def access(self):
        """How often each access of memory occurs, such as LDG.128."""
        return collections.Counter(filter(None, (access_of(opcode) for opcode, _ in self.instructions)))

    @property
    def spilled(self):
        """True if there is more in local memory than the arrays of the PTX: registers that ran out."""
        if self.declared == 0:
            return self.stack > 0 or self.opcodes["LDL"] + self.opcodes["STL"] > 0
        return self.stack > (self.declared + 15) // 16 * 16 or self.last_slot() >= self.declared

    def last_slot(self):
        """The last byte of the frame that is read or written at a constant address."""
        slots = [re.match(r"(?:\w+, ?)?\[R1(?:\+(0x[0-9a-f]+))?\]", operands)
                 for opcode, operands in self.instructions if opcode.split(".")[0] in ("LDL", "STL")]
        return max((int(slot.group(1) or "0", 16) for slot in slots if slot), default=0)


class ToolError(Exception):
    """A tool is missing, or could not do its work; the text says what to do."""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise ToolError(f"{' '.join(command[:1] + command[-1:])} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


# ---- the tools ------------------------------------------------------------------------------------

def tool_folders(cuda, installed):
    """Where the tools may lie, first come first served: PATH, CUDA's folder, what was installed before."""
    return [*os.environ.get("PATH", "").split(os.pathsep), os.path.join(cuda, "bin"),
            *glob.glob(os.path.join(installed, "nvidia", "*", "bin"))]


def find_tools(cuda, installed):
    """PATH with the folders of both tools, or None.  (cuobjdump looks for nvdisasm there.)"""
    path = os.pathsep.join(tool_folders(cuda, installed))
    return path if all(shutil.which(tool, path=path) for tool in TOOLS) else None


def install_tools(cuda, folder):
    """Installs both with pip into `folder`, in nvcc's major version: a later minor one reads its objects too."""
    release = re.search(r"release (\d+)\.(\d+)", run([os.path.join(cuda, "bin", "nvcc"), "--version"]))
    major, minor = release.groups()
    wanted = [f"nvidia-cuda-{tool}>={major}.{minor},<{int(major) + 1}" for tool in TOOLS]
    print(f"installing {' and '.join(wanted)} into {folder}", file=sys.stderr)
    try:
        run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder, *wanted])
    except ToolError as error:
        raise ToolError(f"no cuobjdump and nvdisasm: put CUDA's own on PATH, or let pip install them ({error})")


def tools_path(cuda, folder):
    path = find_tools(cuda, folder)
    if path is None:
        install_tools(cuda, folder)
        path = find_tools(cuda, folder)
    if path is None:
        raise ToolError(f"pip has put no {' and '.join(TOOLS)} into {folder}")
    return path


# ---- what they print -------------------------------------------------------------------------------

INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?\w+ )?\s*([A-Z][\w.]*)\s*([^;]*);")
ACCESS = {"LDG", "STG", "LD", "ST", "LDS", "STS", "LDL", "STL", "LDGSTS"}
WIDTH = re.compile(r"^(?:[US](?:8|16)|64|128|256)$")


def access_of(opcode):
    """LDG.E.128.CONSTANT -> LDG.128; None if the opcode is no load or store of memory."""
    kind, *modifiers = opcode.split(".")
    if kind not in ACCESS:
        return None
    return f"{kind}.{next((m for m in modifiers if WIDTH.match(m)), '32')}"


def access_bits(access):
    return int(re.sub(r"^.*\.[US]?", "", access))


def sections(text, kind):
    """(architecture, lines) of each piece of a kind: "elf" is code."""
    for piece in re.split(r"^Fatbin (?=\w+ code:$)", text, flags=re.M)[1:]:
        if piece.startswith(kind):
            yield re.search(r"^arch = (\w+)$", piece, re.M).group(1), piece.splitlines()


def read_usage(lines):
    """Mangled name -> the numbers that cuobjdump has of it: REG, STACK, SHARED."""
    usage, name = {}, None
    for line in lines:
        if function := re.match(r" Function (\S+):$", line):
            name = function.group(1)
        elif name is not None and line.startswith("  REG:"):
            usage[name] = {key: int(value) for key, value in re.findall(r"(\w+):(\d+)", line)}
            name = None
    return usage


def static_shared(arch, shared):
    """From sm_90 on cuobjdump counts in what the system takes of a block, where there is shared memory at all."""
    return shared if arch == "sm_80" else max(0, shared - SHARED_RESERVED)


def read_code(lines):
    """Mangled name -> its instructions, as (opcode, operands)."""
    code, name = collections.defaultdict(list), None
    for line in lines:
        if function := re.match(r"\s+Function : (\S+)", line):
            name = function.group(1)
        elif instruction := INSTRUCTION.match(line):
            code[name].append(instruction.groups())
    return code


def read_ptx(lines):
    """Mangled name of a kernel -> (threads of __launch_bounds__ or 0, bytes of arrays in local memory)."""
    kernels, name, threads, declared = {}, None, 0, 0
    for line in lines:
        if entry := re.search(r"\.entry (\w+)", line):
            name, threads, declared = entry.group(1), 0, 0
        elif bounds := re.match(r"\.(?:maxntid|reqntid) (.*)", line):
            threads = math.prod(int(size) for size in re.findall(r"\d+", bounds.group(1)))
        elif local := re.match(r"\s*\.local .*\[(\d+)\];", line):
            declared += int(local.group(1))
        if name is not None:
            kernels[name] = (threads, declared)
    return kernels


def demangled(names):
    """Names without the types of parameters."""
    return dict(zip(names, run(["c++filt", "-p"], input="\n".join(names)).splitlines()))


def read_object(path, environment):
    """The kernels of one object file, in each of its architectures."""
    ptx = {arch: read_ptx(lines) for arch, lines in sections(run(["cuobjdump", "-ptx", path], env=environment), "ptx")}
    kernels = []
    for arch, lines in sections(run(["cuobjdump", "-sass", "-res-usage", path], env=environment), "elf"):
        code, usage = read_code(lines), read_usage(lines)
        if code and arch not in ptx:
            raise ToolError(f"{path} has code but no PTX for {arch}: what was declared in local memory is not known")
        names = demangled(list(code))
        for name, instructions in code.items():
            bounds, declared = ptx[arch].get(name, (0, 0))
            kernels.append(Kernel(names[name], arch, os.path.basename(path), usage[name]["REG"], usage[name]["STACK"],
                                  declared, static_shared(arch, usage[name]["SHARED"]), bounds, instructions))
    return kernels
