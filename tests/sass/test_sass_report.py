"""scripts/sass_report.py: what it reads out of disassembly, and that it finds what is planted in planted.cu."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, "..", "..", "scripts")
sys.path.insert(0, SCRIPTS)
import sass_objects
import sass_report

NVCC = shutil.which(os.environ.get("NVCC", "nvcc")) or shutil.which("/usr/local/cuda/bin/nvcc")
TOOLS = os.environ.get("SASS_TOOLS", "build/sass-tools")


def cuda_folder():
    return os.path.dirname(os.path.dirname(NVCC))


def kernel(name="k", arch="sm_80", registers=32, stack=0, declared=0, shared=0, bounds=0, instructions=()):
    return sass_objects.Kernel(name, arch, "k.cu.o", registers, stack, declared, shared, bounds, list(instructions))


class ReadingTest(unittest.TestCase):
    def test_accesses_of_memory(self):
        for opcode, access, bits in (("LDG.E", "LDG.32", 32), ("LDG.E.128.CONSTANT", "LDG.128", 128),
                                     ("STG.E.U16", "STG.U16", 16), ("LDG.E.S8", "LDG.S8", 8), ("LDS.U.64", "LDS.64", 64),
                                     ("LDGSTS.E.BYPASS.128", "LDGSTS.128", 128), ("STG.E.ENL2.256", "STG.256", 256)):
            self.assertEqual(sass_objects.access_of(opcode), access)
            self.assertEqual(sass_objects.access_bits(access), bits)
        for opcode in ("LDSM.16.M88.4", "LDC.64", "FFMA", "ATOMG.E.ADD.STRONG.GPU"):
            self.assertIsNone(sass_objects.access_of(opcode))

    def test_instructions(self):
        lines = ["\t\tFunction : _Z1kv",
                 "        /*0010*/                   S2R R0, SR_CTAID.X ;                 /* 0x0000000000007919 */",
                 "                                                                       /* 0x000e220000002500 */",
                 "        /*0020*/              @!P0 BRA 0x110 ;                          /* 0x0000008000008947 */",
                 "        /*0030*/             @!UP0 STG.E.128 [R4.64], R8 ;              /* 0x0000008000008947 */",
                 "        /*1ff0*/                   NOP;"]
        self.assertEqual(sass_objects.read_code(lines),
                         {"_Z1kv": [("S2R", "R0, SR_CTAID.X "), ("BRA", "0x110 "), ("STG.E.128", "[R4.64], R8 "), ("NOP", "")]})

    def test_spills_are_what_the_ptx_has_not_declared(self):
        self.assertFalse(kernel(instructions=[("LDG.E", "R0, [R2.64]")]).spilled)
        self.assertTrue(kernel(stack=8).spilled)
        self.assertTrue(kernel(instructions=[("STL", "[R1], R0")]).spilled)
        indexed = [("STL", "[R0], R13"), ("STL", "[R1+0x18], R6"), ("LDL", "R0, [R13+-0x4]")]
        self.assertFalse(kernel(stack=32, declared=28, instructions=indexed).spilled)
        self.assertTrue(kernel(stack=40, declared=28, instructions=indexed).spilled)
        self.assertTrue(kernel(stack=32, declared=28, instructions=indexed + [("LDL.LU", "R6, [R1+0x1c]")]).spilled)

    def test_resident_blocks(self):
        for registers, block, blocks in ((32, 256, 8), (40, 256, 6), (48, 256, 5), (168, 256, 1), (255, 256, 1),
                                         (16, 64, 32), (32, 1024, 2), (64, 1024, 1), (33, 1024, 1)):
            self.assertEqual(sass_report.resident_blocks(kernel(registers=registers, bounds=block)), blocks, (registers, block))
        self.assertEqual(sass_report.resident_blocks(kernel(shared=40 << 10)), 4)
        self.assertEqual(sass_report.resident_blocks(kernel(arch="sm_90a", shared=40 << 10)), 5)
        self.assertEqual(sass_report.occupancy(kernel(registers=40)), 0.75)

    def test_packs_are_told_by_template_arguments(self):
        self.assertEqual(sass_report.pack_of("k<__half, 8>"), ("__half", 8))
        self.assertEqual(sass_report.pack_of("k<float, 4, (Resample)1>"), ("float", 4))
        self.assertEqual(sass_report.pack_of("k<true, __nv_bfloat16, 8>"), ("__nv_bfloat16", 8))
        for name in ("k", "k<float>", "k<true, float>", "k<true, 8>", "k<128, 64>"):
            self.assertIsNone(sass_report.pack_of(name))
        wide = [("LDG.E.128", ""), ("STG.E.128", "")]
        self.assertEqual(list(sass_report.check_packs(kernel("k<__half, 8>", instructions=wide))), [])
        self.assertEqual(list(sass_report.check_packs(kernel("k<__half, 1>", instructions=[("STG.E.U16", "")]))), [])
        for more in (("LDG.E", ""), ("ST.E.64", "")):
            self.assertEqual(len(list(sass_report.check_packs(kernel("k<__half, 8>", instructions=wide + [more])))), 1)
        self.assertEqual(len(list(sass_report.check_packs(kernel("k<__half, 8>", instructions=wide[:1])))), 1)


class PlantedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if NVCC is None:
            raise unittest.SkipTest("needs nvcc")
        if sass_objects.find_tools(cuda_folder(), TOOLS) is None:
            raise unittest.SkipTest("needs cuobjdump and nvdisasm: run make sass-report once")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.object = cls.compiled("planted.cu.o", "sm_80,compute_80")

    @classmethod
    def compiled(cls, name, code, compute="80"):
        path = os.path.join(cls.folder, name)
        subprocess.run([NVCC, "-std=c++17", "-O3", "-gencode", f"arch=compute_{compute},code=[{code}]", "-c",
                        os.path.join(HERE, "planted.cu"), "-o", path], check=True, stderr=subprocess.PIPE)
        return path

    def report(self, *arguments):
        return subprocess.run([sys.executable, os.path.join(SCRIPTS, "sass_report.py"), "--cuda", cuda_folder(), "--tools",
                               TOOLS, *arguments], capture_output=True, text=True)

    def test_every_planted_fault_is_named(self):
        done = self.report("--check", "--arch", "sm_80", "--", self.object)
        self.assertEqual(done.returncode, 1, done.stderr)
        told = sorted(done.stderr.splitlines())
        where = "(planted.cu.o) on sm_80:"
        self.assertEqual(len(told), 3, done.stderr)
        self.assertEqual(told[0], f"sass_report.py: copy<double, 2> {where} elements of type double; "
                                  "expected one of float, __half, __nv_bfloat16")
        self.assertEqual(told[1], f"sass_report.py: narrow<__half, 8> {where} stores STG.U16 x8; "
                                  "expected STG.128 only, since it works on packs of 16 bytes")
        self.assertRegex(told[2], rf"sass_report.py: spilling \(planted.cu.o\) on sm_80: a frame of \d+ bytes, "
                                  "0 of them declared; expected no spills")

    def test_table_and_json(self):
        path = os.path.join(self.folder, "report.json")
        done = self.report("--json", path, self.object)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
        self.assertIn("LDG.128 x1 STG.128 x1", lines["copy<float, 4>"])
        with open(path) as file:
            kernels = {kernel["kernel"]: kernel for kernel in json.load(file)}
        self.assertEqual(set(kernels), {"spilling", "indexed", "narrow<__half, 8>", "copy<float, 4>", "copy<float, 1>",
                                        "copy<double, 2>"})
        self.assertEqual((kernels["spilling"]["block"], kernels["spilling"]["block_from_launch_bounds"]), (1024, True))
        self.assertEqual(kernels["spilling"]["spilled"], True)
        self.assertEqual((kernels["indexed"]["spilled"], kernels["indexed"]["declared_bytes"]), (False, 128))
        self.assertEqual(kernels["copy<float, 1>"]["access"], {"LDG.32": 1, "STG.32": 1})

    def test_an_architecture_without_code_is_a_fault(self):
        done = self.report("--check", "--arch", "sm_80", "sm_100", "--", self.object)
        self.assertEqual(done.returncode, 1)
        self.assertIn("on sm_100: no code; expected code for each architecture", done.stderr)

    def test_code_without_its_ptx_is_an_error(self):
        done = self.report(self.compiled("bare.cu.o", "sm_80"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("has code but no PTX for sm_80", done.stderr)

    def test_an_architecture_of_unknown_limits_is_an_error(self):
        done = self.report(self.compiled("newer.cu.o", "sm_120,compute_120", "120"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("code for sm_120, whose limits are not known", done.stderr)


if __name__ == "__main__":
    unittest.main()
