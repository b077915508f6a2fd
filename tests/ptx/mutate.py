#!/usr/bin/env python3
"""mutate.py: do the tests notice a wrong kernel?  Changes one instruction of a kernel's PTX at a time and runs the tests
that launch this kernel.

    make ptx-tests
    tests/ptx/mutate.py --count 300 --out out/mutants.jsonl

A mutant is found if a test fails, a check reports a finding, or the run does not end.  The survivors are listed with
their place in the source.  Each test runs for a device of one multiprocessor, whose few blocks loop, then for a whole one.
Only instructions that some test executes are changed; how many there are, and where the others come from, is printed.
A change that ptxas or the runner refuses, or of which ptxas makes the same machine code, is no mutant: another is drawn.
Mutants are drawn evenly from the modules (one for each .cu file), by --seed; a run that was stopped resumes.
ptxas and Python's standard library are needed.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
NVCC = os.environ.get('NVCC') or shutil.which('nvcc') or '/usr/local/cuda/bin/nvcc'
PTXAS = pathlib.Path(NVCC).resolve().with_name('ptxas')
COMPARE = {'lt': 'le', 'le': 'lt', 'gt': 'ge', 'ge': 'gt', 'eq': 'ne', 'ne': 'eq', 'lo': 'ls', 'ls': 'lo', 'hi': 'hs', 'hs': 'hi',
           'ltu': 'leu', 'leu': 'ltu', 'gtu': 'geu', 'geu': 'gtu', 'equ': 'neu', 'neu': 'equ'}
WAITS = re.compile(r'(bar\.|barrier\.|bar\.warp|membar|fence\.|cp\.async\.(wait|commit)|wgmma\.(fence|wait|commit)|mbarrier\.)')
# Operands 1 and 2 can change places without a change of the result.
COMMUTES = re.compile(r'(add|mul|mad|fma|and|or|xor|min|max|setp\.(eq|ne|equ|neu))\b')


def statements(text):
    """(start, end, kernel, place) of each instruction: places in the text, and file:line of the source."""
    files = {number: name for number, name in re.findall(r'^\s*\.file\s+(\d+)\s+"([^"]*)"', text, re.M)}
    kernel, place, at, inside = None, '', 0, False
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        bare = line.strip()
        if found := re.match(r'(?:\.visible |\.weak )*\.entry ([\w$]+)', bare):
            kernel = found[1]
        elif bare == '{':
            inside = kernel is not None
        elif bare == '}' and not line.startswith((' ', '\t')):
            inside, kernel = False, None
        elif found := re.match(r'\.loc\s+(\d+)\s+(\d+)', bare):
            place = f"{os.path.basename(files.get(found[1], '?'))}:{found[2]}"
        elif inside and bare.endswith(';') and not bare.startswith(('.', '//', '$', '{', '}')):
            yield start, at, kernel, place


def registers_of(line):
    return re.findall(r'%(?:rd|rs|r|fd|f|h|p|b)\d+', line)


def mutations(line):
    """All (kind, changed line) of one instruction."""
    bare = line.strip()
    if WAITS.match(bare):
        yield 'wait removed', '// ' + bare + '\n'
        return
    if found := re.match(r'@(!?)(%p\d+)', bare):
        yield 'predicate inverted', line.replace(found[0], '@' + ('' if found[1] else '!') + found[2], 1)
    if found := re.match(r'setp\.(\w+)', bare):
        if found[1] in COMPARE:
            yield 'comparison', line.replace('setp.' + found[1], 'setp.' + COMPARE[found[1]], 1)
    if found := re.search(r'\[([%\w$]+)\+(-?\d+)\]', bare):
        width = re.search(r'\.[busf](\d+)', bare)
        step = int(width[1]) // 8 if width else 4
        yield 'offset', line.replace(found[0], f'[{found[1]}+{int(found[2]) + step}]', 1)
    elif found := re.search(r'(?:ld|st)\.(?!param)\S*.*\[(%\w+)\]', bare):
        width = re.search(r'\.[busf](\d+)', bare)
        yield 'offset', line.replace(f'[{found[1]}]', f'[{found[1]}+{int(width[1]) // 8 if width else 4}]', 1)
    if found := re.search(r', (-?\d+);', bare):
        if not re.match(r'(bar|shfl|ld|st)', bare):
            yield 'constant', line.replace(found[0], f', {int(found[1]) + 1};', 1)
    if found := re.search(r'0f([0-9A-F]{8})', bare):
        # 1 instead of 0, and otherwise half as much again or less.
        bits = int(found[1], 16)
        yield 'constant', line.replace(found[0], f'0f{0x3F800000 if bits == 0 else bits ^ 0x00400000:08X}', 1)
    operands = [o.strip() for o in bare.rstrip(';').split(None, 1)[-1].split(',')] if '{' not in bare else []
    if len(operands) >= 3 and operands[1] != operands[2] and not COMMUTES.search(bare.split(None, 1)[0] + ' ') \
            and '[' not in bare and not bare.startswith(('@', 'selp', 'shfl', 'call', 'bra')):
        yield 'operands', line.replace(f'{operands[1]}, {operands[2]}', f'{operands[2]}, {operands[1]}', 1)
    names = registers_of(bare)
    if len(names) >= 3 and '[' not in bare:
        # The last operand's neighbour of the same kind.
        name = names[-1]
        kind, number = re.match(r'(%\D+)(\d+)', name).groups()
        if int(number) > 1:
            other = f'{kind}{int(number) - 1}'
            changed = line[::-1].replace(name[::-1], other[::-1], 1)[::-1]
            if other not in names:
                yield 'operand', changed


def candidates(name, text, executed, seed):
    """Changes of a module, one of each instruction that runs, in an order of chance."""
    rng = random.Random(f'{seed} {name}')
    places = [place for place in statements(text) if line_of(text, place[0]) in executed]
    rng.shuffle(places)
    for start, end, kernel, place in places:
        line = text[start:end]
        options = [m for m in mutations(line) if m[1] != line]
        if options:
            kind, after = rng.choice(options)
            yield dict(module=name, start=start, end=end, kernel=kernel, place=place, kind=kind, before=line.strip(),
                       after=after.strip())


class Draw:
    """The changes of one module that are mutants.  Several threads draw, and together they draw the first ones."""

    def __init__(self, name, text, executed, options):
        self.text, self.device, self.lock = text, options.device, threading.Lock()
        self.candidates = candidates(name, text, executed, options.seed)
        self.plain = machine_code(text, self.device)
        if self.plain is None:
            sys.exit(f'mutate.py: ptxas refuses module {name} without any change')

    def next(self):
        while True:
            with self.lock:
                mutant = next(self.candidates, None)
            if mutant is None or machine_code(changed(self.text, mutant), self.device) not in (None, self.plain):
                return mutant


def machine_code(text, device):
    """What ptxas makes of a module; None if it refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = pathlib.Path(folder, 'm.ptx'), pathlib.Path(folder, 'm.cubin')
        source.write_text(text)
        done = subprocess.run([PTXAS, '-arch', architecture(device), '-o', made, source], capture_output=True)
        return made.read_bytes() if done.returncode == 0 else None


def architecture(device):
    return 'sm_' + {'90': '90a'}.get(device, device)


def changed(text, mutant):
    before = text[mutant['start']:mutant['end']]
    return text[:mutant['start']] + before.replace(before.strip(), mutant['after']) + text[mutant['end']:]


def line_of(text, start):
    return text.count('\n', 0, start) + 1


def coverage(modules, executed):
    """Prints how many instructions the tests execute, and the source lines of most of the others."""
    total, ran, others = 0, 0, collections.Counter()
    for name, text in modules.items():
        for start, _, _, place in statements(text):
            total += 1
            if line_of(text, start) in executed[name]:
                ran += 1
            else:
                others[place] += 1
    print(f'{total} instructions, of which the tests execute {ran} ({100 * ran / total:.1f} %); most of the others:')
    for place, number in others.most_common(12):
        print(f'  {number:5} {place}')


def run(command, environment, limit):
    """Status and output, at most `limit` seconds of the processor's time, so that other load does not count."""
    def limited():
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limited)
    return None if done.returncode == -signal.SIGXCPU else done.returncode, done.stdout.decode(errors='replace')


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# With one multiprocessor, loops over many items run; with many, each block takes a single turn.
MULTIPROCESSORS = ({'KAIROS_PTX_MULTIPROCESSORS': '1'}, {})


def survey(tests, device, folder):
    """The modules that the tests load, the lines that run, and for each kernel the runs that launch it: seconds, test, device."""
    modules, users, lines = {}, collections.defaultdict(list), collections.defaultdict(set)
    for test in tests:
        for number, size in enumerate(MULTIPROCESSORS):
            report = folder / 'report.json'
            report.unlink(missing_ok=True)
            environment = dict(os.environ, **size, KAIROS_PTX_DEVICE=device, KAIROS_PTX_DUMP=str(folder),
                               KAIROS_PTX_REPORT=str(report))
            start = processor_time()
            status, output = run([test], environment, 600)
            if status != 0:
                sys.exit(f'mutate.py: {test} fails without any change:\n{output}')
            for kernel in json.loads(report.read_text())['kernels']:
                users[kernel['symbol']].append((processor_time() - start, test, number))
                lines[kernel['symbol']].update(kernel['executed_ptx_lines'])
    executed = collections.defaultdict(set)
    for file in folder.glob('*.ptx'):
        text = modules[file.stem] = file.read_text()
        for kernel in re.findall(r'^(?:\.visible |\.weak )*\.entry ([\w$]+)', text, re.M):
            executed[file.stem] |= lines[kernel]
    return modules, executed, {kernel: sorted(found) for kernel, found in users.items()}


def judge(mutant, modules, users, device):
    """How the mutant was found; '' if it was not, None if the runner does not understand it."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, mutant['module'] + '.ptx').write_text(changed(modules[mutant['module']], mutant))
        findings = pathlib.Path(folder) / 'findings.jsonl'
        for seconds, test, number in users.get(mutant['kernel'], []):
            environment = dict(os.environ, **MULTIPROCESSORS[number], KAIROS_PTX_DEVICE=device, KAIROS_PTX_OVERRIDE=folder,
                               KAIROS_PTX_FINDINGS=str(findings))
            status, output = run([test], environment, int(20 + 10 * seconds))
            if status is None:
                return 'did not end'
            if status != 0:
                checks = sorted({json.loads(line)['kind'] for line in findings.read_text().splitlines()}) \
                    if findings.exists() else []
                if checks == ['wrong_use']:
                    return None
                failed = re.search(r'\[  FAILED  \]|error: Failure', output) is not None
                return ' and '.join((['test'] if failed or not checks else []) + (['check: ' + ', '.join(checks)] if checks else []))
    return ''


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--device', default='80')
    parser.add_argument('--build', default='build')
    parser.add_argument('--out', default='out/mutants.jsonl')
    parser.add_argument('--least', type=float, default=0, help='exit status 1 if a smaller share is found (1 = all)')
    options = parser.parse_args()
    os.chdir(ROOT)
    tests = sorted(str(p) for p in pathlib.Path(options.build, 'ptx/tests/kernels').glob('*.test'))
    if not tests:
        sys.exit('mutate.py: no tests; run: make ptx-tests')
    out = pathlib.Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    done = {}
    if out.exists():
        for line in out.read_text().splitlines():
            row = json.loads(line)
            done[row['module'], row['start'], row['after']] = row
    with tempfile.TemporaryDirectory() as folder:
        modules, executed, users = survey(tests, options.device, pathlib.Path(folder))
    coverage(modules, executed)
    rows = []
    with open(out, 'a') as log, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def one(draw):
            while mutant := draw.next():
                key = mutant['module'], mutant['start'], mutant['after']
                if key not in done:
                    done[key] = dict(mutant, found=judge(mutant, modules, users, options.device))
                    log.write(json.dumps(done[key]) + '\n')
                    log.flush()
                if done[key]['found'] is not None:
                    return done[key]
        names = sorted(name for name in modules if executed[name])
        draws = [Draw(name, modules[name], executed[name], options) for name in names]
        for row in pool.map(one, (draws[index % len(draws)] for index in range(options.count))):
            rows += [row] if row else []
            print(f"\r{len(rows)}/{options.count}, {sum(not r['found'] for r in rows)} survive", end='', file=sys.stderr)
    print(file=sys.stderr)
    for kind, group in sorted(collections.Counter(r['kind'] for r in rows).items()):
        print(f"{kind:20} {group:4}, found {sum(bool(r['found']) for r in rows if r['kind'] == kind):4}")
    for how, number in collections.Counter(r['found'] for r in rows if r['found']).most_common():
        print(f'found by {how}: {number}')
    print('survivors:')
    for row in rows:
        if not row['found']:
            print(f"  {row['place']} {row['kernel']} [{row['kind']}]\n    {row['before']}\n    {row['after']}")
    share = sum(bool(r['found']) for r in rows) / max(len(rows), 1)
    print(f'{len(rows)} mutants, {100 * share:.1f} % found')
    return share < options.least


if __name__ == '__main__':
    sys.exit(main())
