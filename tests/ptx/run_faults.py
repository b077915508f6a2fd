#!/usr/bin/env python3
"""Runs the planted faults of tests/ptx/faults, which must be found, and the kernels of tests/ptx/sound, where nothing may be.

A line of a fault with `// finds: KIND` is where a finding of that kind must point; with several such lines one of them is
enough for each KIND (which of two accesses that race comes second is open).  After KIND may stand
    block=(x,y,z) thread=(x,y,z)   who must be named       host   a call of the host, which has no line
    devices=90,100                 the only ones with it    all    each such line must be found
A finding of another kind or at another line is one too many, unless that line says `// also: KIND`; in headers only the kind
counts.
A sound program must end with status 0 and without any finding.  `// devices: 90,100` limits either kind of program.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGETS = {'80': 'arch=compute_80,code=[sm_80,compute_80]',
           '90': 'arch=compute_90a,code=[sm_90a,compute_90a]',
           '100': 'arch=compute_100,code=[sm_100,compute_100]'}


class Expected:
    """What one `finds:` comment demands."""

    def __init__(self, line, text):
        words = text.split()
        self.line, self.kind = line, words[0]
        self.host, self.each = 'host' in words, 'all' in words
        pairs = dict(w.split('=', 1) for w in words[1:] if '=' in w)
        self.block, self.thread = pairs.get('block'), pairs.get('thread')
        self.devices = pairs['devices'].split(',') if 'devices' in pairs else list(TARGETS)

    def met_by(self, finding, source):
        if finding['kind'] != self.kind:
            return False
        if self.host:
            return finding['kernel'] == ''
        return (finding['place'] == f'{source}:{self.line}' and finding['kernel'] != '' and
                self.block in (None, finding['block']) and self.thread in (None, finding['thread']))

    def __str__(self):
        return ' '.join(filter(None, [f'line {self.line}: {self.kind}', self.block and f'block {self.block}',
                                      self.thread and f'thread {self.thread}']))


class Program:
    def __init__(self, source, build):
        self.source, self.binary = source, build / (source.parent.name + '_' + source.stem)
        self.expected, self.also, self.devices = [], set(), list(TARGETS)
        for number, line in enumerate(source.read_text().splitlines(), 1):
            if m := re.search(r'// finds: ([^/]*)', line):
                self.expected.append(Expected(number, m[1]))
            if m := re.search(r'// also: (.*)', line):
                self.also |= {(kind, number) for kind in m[1].split()}
            if m := re.match(r'// devices: ([\d,]+)', line):
                self.devices = m[1].split(',')

    def compile(self, nvcc, runtime, log):
        """A fat program for all of its devices; recompiled when the source or a header that it may include is newer."""
        made = self.binary.with_suffix('.o')
        headers = [file for folder in ('faults', 'sound', 'tests') for file in (HERE / folder).glob('*.h')]
        newest = max(file.stat().st_mtime for file in [self.source, *headers])
        if not made.exists() or made.stat().st_mtime < newest:
            command = [nvcc, '-std=c++17', '-O3', '-lineinfo', '-c', str(self.source), '-o', str(made)]
            for device in self.devices:
                command += ['-gencode', TARGETS[device]]
            if not run_logged(command, log):
                return False
        if self.binary.exists() and self.binary.stat().st_mtime > made.stat().st_mtime:
            return True
        return run_logged(['g++', str(made), str(runtime), f'-Wl,-rpath,{runtime.parent}', '-o', str(self.binary)], log)

    def run(self, device, seed, timeout):
        """Status, findings, and what was printed."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / 'findings'
            environment = os.environ | {'KAIROS_PTX_DEVICE': device, 'KAIROS_PTX_SEED': str(seed),
                                        'KAIROS_PTX_FINDINGS': str(report), 'KAIROS_PTX_CHECKS': 'all'}
            try:
                done = subprocess.run([str(self.binary)], env=environment, capture_output=True, text=True, timeout=timeout)
                status, output = done.returncode, done.stdout + done.stderr
            except subprocess.TimeoutExpired:
                status, output = 'timeout', ''
            lines = report.read_text().splitlines() if report.exists() else []
        findings = [json.loads(line) for line in lines]
        for finding in findings:
            finding['place'] = Path(finding['place']).name if finding['kernel'] else ''
        return status, findings, output

    def judge(self, device, status, findings):
        """What is wrong, as lines; none if all is well."""
        name = self.source.name
        wanted = [e for e in self.expected if device in e.devices]
        if not wanted:
            wrong = [f'found {f["kind"]} at {f["place"]}: {f["what"]}' for f in findings]
            return wrong if findings or status == 0 else [f'status {status}']
        missed = [e for e in wanted if not any(e.met_by(f, name) for f in findings)]
        kinds = {e.kind for e in wanted if e not in missed}
        wrong = [f'not found: {e}' for e in missed if e.each or e.kind not in kinds]
        for f in findings:
            file, _, line = f['place'].rpartition(':')
            allowed = {(e.kind, str(e.line)) for e in wanted} | {(kind, str(n)) for kind, n in self.also}
            kinds = {kind for kind, _ in allowed}
            if f['kernel'] and (f['kind'] not in kinds if file != name else (f['kind'], line) not in allowed):
                wrong.append(f'found besides: {f["kind"]} at {f["place"]}: {f["what"]}')
        return wrong + ([] if status == 1 else [f'status {status} instead of 1'])


def run_logged(command, log):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        log.append(' '.join(command) + '\n' + done.stdout + done.stderr)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('names', nargs='*', help='only programs whose name contains one of these')
    parser.add_argument('--build', type=Path, default=ROOT / 'build' / 'ptx' / 'faults')
    parser.add_argument('--runtime', type=Path, default=ROOT / 'build' / 'ptx' / 'libcudart.so.13')
    parser.add_argument('--nvcc', default=os.environ.get('NVCC', 'nvcc'))
    parser.add_argument('--seeds', type=int, default=10, help='of the sound programs; faults: at most 3')
    parser.add_argument('--devices', default=','.join(TARGETS))
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--timeout', type=int, default=60, help='of one run, in seconds')
    parser.add_argument('--verbose', action='store_true', help='print what the programs print')
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)

    sources = sorted(HERE.glob('faults/*.cu')) + sorted(HERE.glob('sound/*.cu'))
    programs = [Program(s, options.build.resolve()) for s in sources
                if not options.names or any(n in str(s) for n in options.names)]

    def check(program):
        log = []
        if not program.compile(options.nvcc, options.runtime.resolve(), log):
            return [f'{program.source.name}: does not compile\n{log[0]}'], 0
        wrong, runs = [], 0
        for device in sorted(set(program.devices) & set(options.devices.split(',')), key=int):
            for seed in range(min(options.seeds, 3) if program.expected else options.seeds):
                status, findings, output = program.run(device, seed, options.timeout)
                runs += 1
                lines = program.judge(device, status, findings)
                wrong += [f'{program.source.parent.name}/{program.source.name}, device {device}, seed {seed}: {line}'
                          for line in lines]
                if options.verbose or (lines and not findings):
                    wrong += [f'    {line}' for line in output.splitlines()[:20]]
        return wrong, runs

    failed = runs = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for wrong, count in pool.map(check, programs):
            failed, runs = failed + bool(wrong), runs + count
            for line in wrong:
                print(line, flush=True)
    faults = sum(bool(p.expected) for p in programs)
    print(f'{faults} faults and {len(programs) - faults} sound programs, {runs} runs: {failed} programs failed')
    return 1 if failed or not programs else 0


if __name__ == '__main__':
    sys.exit(main())
