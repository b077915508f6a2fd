"""What happens before a command begins: threads of libraries, the process itself, the processor."""
import os
import resource
import subprocess
import tempfile
import unittest

from common import KAIROS, ROOT, SHIPPED, on_cpu_target

CC = os.environ.get("CC", "cc")


class StartupTest(unittest.TestCase):
    def test_little_address_space(self):
        """OpenBLAS tries for ever to start threads for which there is no room."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (220_000 << 10, resource.RLIM_INFINITY))
        if not on_cpu_target():
            self.skipTest("CUDA takes more")
        for args in (["--help"], ["schedule", "--kind", "edm"]):
            done = subprocess.run([KAIROS, *args], preexec_fn=limit, stdout=subprocess.DEVNULL, timeout=30)
            self.assertEqual(done.returncode, 0)

    @unittest.skipUnless(os.path.exists("/proc/self/comm"), "needs /proc")
    def test_one_thread_and_its_own_name(self):
        """Before there is any work; a list of processes shows the program by its name."""
        source = os.path.join(os.path.dirname(SHIPPED), "fashion-mnist-edm2.curve.json")
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "pipe")
            os.mkfifo(pipe)
            run = subprocess.Popen([KAIROS, "schedule", "--kind", "rescaled", "--curve", pipe], stdout=subprocess.DEVNULL)
            with open(source, "rb") as f, open(pipe, "wb") as out:  # it waits here
                with open(f"/proc/{run.pid}/comm") as comm:
                    self.assertEqual(comm.read().strip(), os.path.basename(KAIROS)[:15])
                self.assertEqual(len(os.listdir(f"/proc/{run.pid}/task")), 1)
                out.write(f.read())
            self.assertEqual(run.wait(30), 0)

    def test_spinning_threads(self):
        def spins(**variables):
            environment = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
            environment.update(variables, OMP_DISPLAY_ENV="verbose")
            done = subprocess.run([KAIROS, "--version"], env=environment, stderr=subprocess.PIPE, text=True)
            return done.stderr.split("GOMP_SPINCOUNT = '")[1].split("'")[0]
        self.assertEqual(spins(), "10000")
        self.assertEqual(spins(GOMP_SPINCOUNT="77"), "77")
        self.assertEqual(spins(OMP_WAIT_POLICY="passive"), "0")

    def test_another_processor(self):
        """Built for instructions that no processor of today has; then for those of any."""
        if os.uname().machine != "x86_64":
            self.skipTest("of x86-64")
        for flags, words in (["-mxop"], ["'", "for which this program was built", "ARCH="]), ([], []):
            with self.subTest(flags=flags), tempfile.TemporaryDirectory() as folder:
                main, program = os.path.join(folder, "main.c"), os.path.join(folder, "program")
                with open(main, "w") as f:
                    f.write("int main(void) { return 0; }\n")
                subprocess.run([CC, "-D_GNU_SOURCE", *flags, main, os.path.join(ROOT, "host/processor.c"), "-o", program],
                               check=True)
                done = subprocess.run([program], stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 1 if words else 0)
                for word in words:
                    self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
