#!/usr/bin/env python3
"""Change one thing at a time in a module, and see whether its unit tests notice.

    scripts/mutants.py [--each N] [--jobs N] [MODULE...]

Each change (a comparison, an `and`, a number, a `not`, a return, a call of no result) is made in a copy of
this repository, with a virtual environment of its own in which vaultpy is that copy, so that processes which
tests start have the change too. tests/test_MODULE.py runs until the first failure; where there is none, the
tests of some modules that use it. What survives is printed.
`--each N` tries every N-th change only. A line that ends with `# mutants: REASON` is left as it is.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    "plan": ("test_broker", "test_plans_counted"),
    "sessions": ("test_broker", "test_listing"),
    "ledger": ("test_broker",),
    "launch": ("test_subshell", "test_source_process"),
    "yubikey": (
        "test_yubikeys",
        "test_yubikey_in_hand",
        "test_yubikey_look",
        "test_day_keys",
        "contracts/test_oath_contract",
    ),
}
"""The modules, and the tests of others that try what their own have not noticed."""
SECONDS = 300
"""What the tests of a module may take with a change in it; a loop without end is noticed so."""
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


class Mutant(NamedTuple):
    """A module's text with one change, and what the change is."""

    module: str
    line: int
    change: str
    text: str


def changed(node: ast.AST) -> ast.AST | None:
    """Return the node with something else in it, None where there is nothing to change."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            new.ops = [COMPARISONS[type(operator)]()]
        case ast.BoolOp():
            new.op = ast.And() if isinstance(new.op, ast.Or) else ast.Or()
        case ast.BinOp() if type(new.op) in ARITHMETIC:
            new.op = ARITHMETIC[type(new.op)]()
        case ast.UnaryOp(op=ast.Not()):
            return new.operand
        case ast.Constant(value=bool()):
            new.value = not new.value
        case ast.Constant(value=(int() | float()) as number):
            new.value = number + 1
        case ast.Return(value=ast.expr()) if not is_falsy(new.value):
            new.value = ast.Constant(None)
        case ast.Expr(value=ast.Call()) | ast.Raise():
            return ast.copy_location(ast.Pass(), node)
        case _:
            return None
    return new


def is_falsy(node: ast.expr | None) -> bool:
    """Tell whether it is None, or a constant that counts for as much where a condition asks."""
    return isinstance(node, ast.Constant) and not node.value


class Exchange(ast.NodeTransformer):
    """Puts `new` in the place of the node number `number`, and leaves annotations alone."""

    def __init__(self, number: int) -> None:
        """Count the nodes in the order in which they are met; at the end `seen` says how many there are."""
        self.number = number
        self.seen = 0
        self.found: tuple[ast.AST, ast.AST] | None = None

    def visit(self, node: ast.AST) -> ast.AST:
        """Change this node or one below it."""
        if is_about_types(node):
            return node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "sys.platform == 'win32'":
            elsewhere = ast.Module(node.orelse, type_ignores=[])
            self.generic_visit(elsewhere)
            node.orelse = elsewhere.body
            return node
        if isinstance(node, (ast.FunctionDef, ast.AnnAssign)):
            return self.without_annotation(node)
        new = changed(node)
        if new is not None:
            self.seen += 1
            if self.seen == self.number:
                self.found = (node, new)
                return ast.copy_location(new, node)
        return self.generic_visit(node)

    def without_annotation(self, node: ast.FunctionDef | ast.AnnAssign) -> ast.AST:
        """Change what is below a node that has an annotation, but not the annotation."""
        field = "returns" if isinstance(node, ast.FunctionDef) else "annotation"
        annotation = getattr(node, field)
        setattr(node, field, None)
        self.generic_visit(node)
        setattr(node, field, annotation)
        return node


def is_about_types(node: ast.AST) -> bool:
    """Tell whether a node says something to the type checker alone."""
    return isinstance(node, ast.arg) or (
        isinstance(node, (ast.If, ast.Assign))
        and ast.unparse(node).removeprefix("if ").startswith("TYPE_CHECKING")
    )


def mutants(module: str) -> list[Mutant]:
    """Return all mutants of a module."""
    source = (ROOT / "vaultpy" / f"{module}.py").read_text()
    lines, made = source.splitlines(), list[Mutant]()
    for number in range(1, 10_000):
        exchange = Exchange(number)
        tree = exchange.visit(ast.parse(source))
        if exchange.found is None:
            return made
        old, new = exchange.found
        line = getattr(old, "lineno", 0)
        if "# mutants: " not in lines[line - 1]:
            words = f"{ast.unparse(old)}  ->  {ast.unparse(new)}".replace("\n", " ")
            made.append(Mutant(module, line, words, ast.unparse(ast.fix_missing_locations(tree))))
    raise RuntimeError(module)


class Bench:
    """A copy of the repository with a virtual environment in which vaultpy is the copy."""

    def __init__(self, directory: Path) -> None:
        """Make both in `directory`."""
        self.clone = directory / "clone"
        shutil.copytree(ROOT, self.clone, ignore=NOT_COPIED)
        environment = directory / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        (packages,) = (environment / "lib").glob("*/site-packages")
        theirs = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "mutants.pth").write_text("\n".join([str(self.clone), *theirs]) + "\n")
        self.python = environment / "bin" / "python"
        script = f"#!{self.python}\nimport sys\nfrom vaultpy.__main__ import main\nsys.exit(main())\n"
        (environment / "bin" / "vaultpy").write_text(script)
        (environment / "bin" / "vaultpy").chmod(0o755)

    def tests_pass(self, module: str) -> bool:
        """Tell whether the tests of a module pass, its own first."""
        return all(self._passes(f"tests/{test}.py") for test in (f"test_{module}", *MODULES[module]))

    def _passes(self, test: str) -> bool:
        options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore"]
        done = subprocess.Popen(
            [self.python, "-B", "-m", "pytest", *options, test],
            cwd=self.clone,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return done.wait(SECONDS) == 0
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, 9)
            done.wait()
            return False

    def survives(self, mutant: Mutant) -> bool:
        """Tell whether no test notices the change."""
        path = self.clone / "vaultpy" / f"{mutant.module}.py"
        before = path.read_text()
        path.write_text(mutant.text)
        try:
            return self.tests_pass(mutant.module)
        finally:
            path.write_text(before)


class Trial:
    """So many benches at once, for the modules one after the other."""

    def __init__(self, directory: Path, jobs: int) -> None:
        """Make `jobs` benches below `directory`."""
        self._benches: SimpleQueue[Bench] = SimpleQueue()
        self._jobs = jobs
        for number in range(jobs):
            self._benches.put(Bench(directory / str(number)))

    def survives(self, mutant: Mutant) -> bool:
        """Tell whether no test notices the change."""
        bench = self._benches.get()
        try:
            return bench.survives(mutant)
        finally:
            self._benches.put(bench)

    def survivors(self, module: str, each: int) -> int:
        """Try every so many-th change; tell of those that survive, and return how many these are."""
        chosen, left = mutants(module)[::each], 0
        bench = self._benches.get()
        if not bench.tests_pass(module):
            sys.exit(f"mutants: error: the tests of {module} fail without any change")
        self._benches.put(bench)
        with ThreadPoolExecutor(self._jobs) as pool:
            for mutant, survived in zip(chosen, pool.map(self.survives, chosen), strict=True):
                if survived:
                    left += 1
                    tell(f"{module}.py:{mutant.line}: {mutant.change}")
        tell(f"{module}: {len(chosen)} changes, {len(chosen) - left} noticed, {left} not")
        return left


def tell(line: str) -> None:
    """Print it at once."""
    print(line, flush=True)  # noqa: T201  # a command's output


def main() -> int:
    """Try the changes of the modules that are named; return 1 where one survives."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"{', '.join(MODULES)}; all of them")
    parser.add_argument("--each", type=int, default=1, metavar="N", help="try every N-th change only")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # some tests run processes as a plain user
        trial = Trial(Path(directory), options.jobs)
        left = [trial.survivors(module, options.each) for module in options.modules or MODULES]
    return int(any(left))


if __name__ == "__main__":
    sys.exit(main())
