#!/usr/bin/env python3
"""scripts/ptxrun: sources, options, arguments, statuses, findings, the cache, objects and programs made elsewhere."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PTXRUN = ROOT / "scripts/ptxrun"
NVCC = os.environ.get("NVCC", "nvcc")

PROGRAM = """
#include <cstdio>
#include "offset.h"
__global__ void store(int *x, int at) { x[at] = VALUE + OFFSET; }
int main(int count, char **arguments) {
    int *x, got = 0;
    cudaMalloc(&x, 4);
    store<<<1, 1>>>(x, count > 2 ? 1 : 0);
    cudaMemcpy(&got, x, 4, cudaMemcpyDeviceToHost);
    cudaDeviceProp p;
    cudaGetDeviceProperties(&p, 0);
    std::printf("%d on %d.%d\\n", got, p.major, p.minor);
    return count > 1 ? 7 : 0;
}
"""


class PtxRun(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        (self.folder / "include").mkdir()
        (self.folder / "include/offset.h").write_text("#define OFFSET 1\n")
        (self.folder / "store.cu").write_text(PROGRAM)

    def tearDown(self):
        self.temporary.cleanup()

    def run_it(self, *arguments, environment=None):
        done = subprocess.run([PTXRUN, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_runs(self):
        self.assertEqual(self.run_it("store.cu", "-Iinclude", "-DVALUE=4")[:2], (0, "5 on 8.0\n"))

    def test_arch_and_arguments(self):
        self.assertEqual(self.run_it("store.cu", "90", "-I", "include", "-DVALUE=4", "--", "a")[:2], (7, "5 on 9.0\n"))

    def test_finding(self):
        status, _, errors = self.run_it("store.cu", "-Iinclude", "-DVALUE=4", "--", "a", "b")
        self.assertEqual(status, 1)
        line = next(i for i, text in enumerate(PROGRAM.splitlines(), 1) if "__global__" in text)
        self.assertIn(f"store.cu:{line}: kernel store(int*, int), block (0,0,0), thread (0,0,0): ", errors)
        self.assertIn("[bounds]", errors)

    def test_dumped_module_is_what_ptxas_takes(self):
        self.run_it("store.cu", "-Iinclude", "-DVALUE=4", environment=dict(os.environ, KAIROS_PTX_DUMP=str(self.folder)))
        text, = self.folder.glob("*.ptx")
        cubin = self.folder / "made.cubin"
        ptxas = Path(shutil.which(NVCC)).resolve().with_name("ptxas")
        done = subprocess.run([ptxas, "-arch", "sm_80", "-o", cubin, text], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_headers_are_seen(self):
        self.run_it("store.cu", "-Iinclude", "-DVALUE=4")
        (self.folder / "include/offset.h").write_text("#define OFFSET 10\n")
        self.assertEqual(self.run_it("store.cu", "-Iinclude", "-DVALUE=4")[1], "14 on 8.0\n")

    def test_several_sources(self):
        (self.folder / "a.cu").write_text("__global__ void a(int *x) { *x = 3; }\nvoid run(int *x) { a<<<1, 1>>>(x); }\n")
        (self.folder / "b.cu").write_text("""
            void run(int *x);
            int main() {
                int *x, got = 0;
                cudaMalloc(&x, 4);
                run(x);
                cudaMemcpy(&got, x, 4, cudaMemcpyDeviceToHost);
                return got;
            }""")
        self.assertEqual(self.run_it("a.cu", "b.cu")[0], 3)

    def test_object_and_program(self):
        for made, option in (("store.o", "-c"), ("store", "-cudart=shared")):
            subprocess.run([NVCC, "-std=c++17", "-arch=sm_80", option, "-Iinclude", "-DVALUE=4", "store.cu", "-o", made],
                           cwd=self.folder, check=True)
            self.assertEqual(self.run_it(made, "--", "a")[:2], (7, "5 on 8.0\n"))

    def test_refusals(self):
        self.assertEqual(self.run_it()[0], 2)
        self.assertEqual(self.run_it("absent.cu")[0], 2)
        (self.folder / "bad.cu").write_text("int main() { return missing; }\n")
        self.assertNotIn(self.run_it("bad.cu")[0], (0, 1))

    def test_settings(self):
        for name, value in (("SEED", "x"), ("MULTIPROCESSORS", "-1"), ("MEMORY", ""), ("CHECKS", "all,none")):
            environment = os.environ | {f"KAIROS_PTX_{name}": value}
            status, _, errors = self.run_it("store.cu", "-Iinclude", "-DVALUE=4", environment=environment)
            self.assertEqual(status, 2, name)
            self.assertIn(f"KAIROS_PTX_{name}", errors)

    def test_links_are_seen(self):
        (self.folder / "main.cu").write_text('extern "C" int value(); int main() { return value(); }\n')
        environment = os.environ | {"LD_LIBRARY_PATH": str(self.folder)}
        for value in (5, 6):
            (self.folder / "value.c").write_text(f"int value(void) {{ return {value}; }}\n")
            subprocess.run(["gcc", "-shared", "-fPIC", "value.c", "-o", f"libvalue{value}.so"], cwd=self.folder, check=True)
            self.assertEqual(self.run_it("main.cu", "-L.", f"-lvalue{value}", environment=environment)[0], value)

    def test_no_code_for_device(self):
        subprocess.run([NVCC, "-std=c++17", "-arch=sm_90", "-c", "-Iinclude", "-DVALUE=4", "store.cu"], cwd=self.folder, check=True)
        status, _, errors = self.run_it("store.o", "80")
        self.assertEqual(status, 1)
        self.assertIn("no PTX that device 8.0 takes (found: sm_90)", errors)


if __name__ == "__main__":
    unittest.main()
