"""The house: what may import what, how large a file and a function may be, and what the warm path loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import vaultpy

ROOT = Path(vaultpy.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}

# What a start with a cached session loads: the standard library only, and of that no slow module.
WARM = {
    "__init__",
    "argv",
    "aws_time",
    "config",
    "config_search",
    "config_section",
    "config_text",
    "credentials",
    "credentials_json",
    "digests",
    "durations",
    "environment",
    "errors",
    "handover",
    "index",
    "kernel_keyring",
    "launch",
    "lock_holder",
    "plan",
    "profile",
    "records",
    "regions",
    "session_eviction",
    "session_places",
    "session_tags",
    "session_text",
    "sessions",
    "signers",
    "sources",
    "state",
    "sts_requests",
    "text",
    "values",
    "warm",
    "windows",
}
# Together they cost more than all the rest of a warm start.
SLOW = {
    "configparser",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "hashlib",
    "json",
    "logging",
    "pathlib",
    "re",
    "subprocess",
    "typing",
}
CORE = WARM | {
    "access_key_in_clear",
    "access_key_input",
    "access_key_on_yubikey",
    "access_key_owner",
    "access_key_probe",
    "access_keys",
    "accounts",
    "accounts_on_yubikeys",
    "aws_body",
    "aws_refusals",
    "background",
    "broker",
    "checks",
    "checks_aws",
    "checks_computer",
    "checks_config",
    "checks_keystore",
    "checks_signing",
    "checks_yubikeys",
    "clearing",
    "config_edit",
    "config_lines",
    "console_page",
    "credential_process",
    "credential_server",
    "credentials_section",
    "display",
    "each",
    "each_children",
    "each_credentials",
    "each_main_thread",
    "each_outcome",
    "each_output",
    "each_profiles",
    "each_signals",
    "endpoints",
    "tls_inspection",
    "enrolment",
    "exec_server",
    "execution",
    "export",
    "fanout",
    "findings",
    "formats",
    "found_access_keys",
    "held_account",
    "iam_records",
    "kept_day_keys",
    "keystore_format",
    "ledger",
    "listing",
    "login",
    "memory_place",
    "mfa",
    "mfa_codes",
    "mfa_enrolment",
    "mfa_in_iam",
    "mfa_listing",
    "mfa_on_yubikeys",
    "mfa_proof",
    "mfa_removal",
    "mfa_removal_in_iam",
    "mfa_target",
    "moving",
    "oath_passwords",
    "overview",
    "pcsc_install",
    "questions",
    "readiness",
    "recent_timeouts",
    "renewal",
    "rotation",
    "rotation_records",
    "rotation_store",
    "run_inputs",
    "sdk_profiles",
    "serve",
    "served_credentials",
    "shell_completion",
    "shell_init",
    "signing_account",
    "sts_calls",
    "subshell",
    "template_output",
    "template_policies",
    "template_resources",
    "template_values",
    "templates",
    "token_file",
    "totp",
    "trace",
    "typed_codes",
    "undoing",
    "user_access_keys",
    "user_plan",
    "writing",
}
EDGES = {
    "aws_api",
    "aws_calls",
    "aws_client_config",
    "aws_failures",
    "aws_source_session",
    "aws_sources",
    "aws_vault",
    "bounded_connection",
    "browser",
    "card_users",
    "controlling_terminal",
    "countdown",
    "day_key_signer",
    "day_keys",
    "iam",
    "keystore",
    "keystore_file",
    "notifications",
    "pcsc",
    "redirect",
    "secret_service",
    "signin",
    "smart_cards",
    "source_process",
    "sts",
    "sts_and_iam",
    "terminal",
    "touches",
    "unasked_keystore",
    "usb",
    "ykman_passwords",
    "yubikey",
    "yubikey_choice",
    "yubikey_in_hand",
    "yubikey_look",
    "yubikey_search",
    "yubikeys",
    "yubikeys_at_hand",
}
# Edges that stand on another one.
STORIES = {
    ("aws_api", "aws_failures"),  # what the library raises, apart from what it is told to do
    ("aws_api", "aws_calls"),  # one client, and what each thread's call of it is
    ("aws_api", "aws_client_config"),  # what all clients of botocore's have in common
    ("aws_source_session", "aws_client_config"),
    ("iam", "aws_api"),  # one module knows boto3; the two services are what is said through it
    ("sts", "aws_api"),
    ("sts_and_iam", "sts"),  # a key that is to be enrolled is known to both services
    ("sts_and_iam", "iam"),
    ("aws_sources", "aws_failures"),
    ("signin", "aws_failures"),  # HTTP that is botocore's too
    ("aws_sources", "source_process"),  # the only provider that starts something, which must end
    ("unasked_keystore", "keystore"),  # the system keystore, asked only where that asks nobody
    ("unasked_keystore", "secret_service"),
    ("aws_sources", "aws_source_session"),  # which provider is asked, and what that one is given
    ("yubikeys_at_hand", "bounded_connection"),
    ("yubikeys_at_hand", "yubikey"),  # one YubiKey; those at hand, and which of them has the account
    ("yubikey_search", "yubikeys_at_hand"),
    ("yubikey_search", "yubikey"),
    ("aws_api", "day_key_signer"),  # one of the ways in which the one client signs
    ("touches", "yubikeys_at_hand"),  # what waits for a finger, and for a key
    ("touches", "yubikey"),
    ("yubikeys", "yubikeys_at_hand"),  # the MFA device made of these
    ("yubikeys", "touches"),
    ("day_keys", "touches"),  # what signs, made of these
    ("day_keys", "yubikey"),
    ("yubikey_in_hand", "day_keys"),
    ("yubikey_in_hand", "yubikey"),  # one YubiKey to be written to, proven as an MFA device, and its choice
    ("yubikey_in_hand", "yubikeys_at_hand"),
    ("yubikey_in_hand", "yubikey_search"),
    ("yubikey_in_hand", "yubikeys"),
    ("yubikey_look", "yubikeys_at_hand"),  # those at hand, and what each is and holds
    ("yubikey_look", "yubikey"),
    ("yubikey_choice", "yubikey_in_hand"),
    ("yubikey_choice", "yubikeys_at_hand"),
    ("yubikey_choice", "yubikey"),
    ("smart_cards", "pcsc"),  # pyscard, and what it says where it finds no library
    ("terminal", "controlling_terminal"),  # the voice, and the device that it speaks through
    ("terminal", "countdown"),  # the line of the voice that is alive
    ("terminal", "notifications"),  # where it is heard when there is no terminal
    ("keystore", "keystore_file"),  # the file is one of the keystores that `open_keystore` chooses from
}
LIBRARIES = {
    "boto3": {"aws_api"},
    "botocore": {
        "aws_api",
        "aws_calls",
        "aws_client_config",
        "aws_failures",
        "aws_source_session",
        "aws_sources",
        "day_key_signer",
        "signin",
    },
    # ykman encrypts the passwords that it remembers; its own decryption would look for their key everywhere.
    "cryptography": {"keystore_file", "ykman_passwords"},
    "h11": {"server.exchange"},
    "keyring": {"keystore"},
    "secretstorage": {"secret_service"},
    "smartcard": {"pcsc"},
    "ykman": {"ykman_passwords"},
    # pcsc's connection, what bounds it, and the demo's pipe for it, are SmartCardConnections of yubikit's.
    "yubikit": {"yubikey", "bounded_connection", "pcsc", "demo.pipe_cards"},
}
FROM_YUBIKIT_FOR_PCSC = {"yubikit.core", "yubikit.core.smartcard"}

# Doctor's is apart: any of its objects may be what is wrong, and it asks nobody.
WIRING = {
    "doctor_wiring",
    "import_wiring",
    "keystore_wiring",
    "login_wiring",
    "mfa_enrolment_wiring",
    "mfa_wiring",
    "rotate_wiring",
    "server_wiring",
    "touch_wiring",
    "wiring",
    "yubikey_wiring",
}

LONGEST_FILE = 250
# A file that is longer, how long it may be, and why it is one file.
LONGER_FILES = {
    "errors": (850, "every error that a user can meet stands in one place"),
}
LONGEST_FUNCTION = 30


class Imports(ast.NodeVisitor):
    """The modules that a file imports when it runs: not those for its annotations alone.

    `everywhere` are all of them, `at_once` those outside functions.
    """

    def __init__(self, module: str) -> None:
        self.everywhere: set[str] = set()
        self.at_once: set[str] = set()
        self._depth = 0
        self.visit(ast.parse(MODULES[module].read_text(encoding="utf-8")))

    def visit_If(self, node: ast.If) -> None:
        """Pass over the body of `if TYPE_CHECKING`."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Look into a function."""
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Import(self, node: ast.Import) -> None:
        """Take `import a.b`."""
        self._add({alias.name for alias in node.names})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Take `from a import b`, where b may be a module."""
        assert not node.level, "imports are absolute here"
        assert node.module
        inner = {f"{node.module}.{alias.name}" for alias in node.names}
        modules = {name for name in inner if name.removeprefix("vaultpy.") in MODULES}
        self._add(modules if modules and node.module == "vaultpy" else modules | {node.module})

    def _add(self, names: set[str]) -> None:
        self.everywhere |= names
        if not self._depth:
            self.at_once |= names


IMPORTS = {module: Imports(module) for module in MODULES}


def ours(module: str) -> set[str]:
    """Return the modules of vaultpy that `module` imports."""
    found = IMPORTS[module].everywhere
    return {name.removeprefix("vaultpy.") if name != "vaultpy" else "__init__" for name in found if of(name)}


def of(name: str, package: str = "vaultpy") -> bool:
    return name == package or name.startswith(f"{package}.")


def foreign(module: str) -> set[str]:
    """Return the libraries that `module` imports."""
    roots = {name.partition(".")[0] for name in IMPORTS[module].everywhere}
    return roots - sys.stdlib_module_names - {"vaultpy"}


def is_in(module: str, package: str) -> bool:
    return of(module, package)


CLI = {module for module in MODULES if is_in(module, "cli")}
DEMO = {module for module in MODULES if is_in(module, "demo")}
SERVER = {module for module in MODULES if is_in(module, "server")}
SIMULATED = {module for module in MODULES if is_in(module, "simulated")}


def test_every_module_has_its_room() -> None:
    assert CORE | EDGES | CLI | DEMO | SERVER | SIMULATED | WIRING | {"__main__"} == set(MODULES)


@pytest.mark.parametrize("module", sorted(CORE))
def test_the_core_imports_the_standard_library_and_itself(module: str) -> None:
    assert foreign(module) == set()
    assert ours(module) <= CORE


@pytest.mark.parametrize("module", sorted(WARM))
def test_the_warm_path_imports_nothing_slow_and_nothing_but_itself(module: str) -> None:
    at_once = {name.partition(".")[0] for name in IMPORTS[module].at_once}
    assert at_once & SLOW == set()
    assert ours(module) <= WARM


def test_a_warm_start_loads_nothing_slow() -> None:
    loaded = loaded_by(*(f"vaultpy.{name}" for name in sorted(WARM - {"__init__"})))
    assert "vaultpy.launch" in loaded
    assert loaded & SLOW == set()


def test_a_warm_start_loads_the_table_of_errors_only_for_an_error() -> None:
    loaded = loaded_by("vaultpy.__main__")
    assert "vaultpy.launch" in loaded
    assert "vaultpy.errors" not in loaded
    assert "vaultpy.errors" in loaded_by("vaultpy.__main__", "vaultpy; vaultpy.errors.UsageError")


def loaded_by(*names: str, path: str = "") -> set[str]:
    # -I keeps the environment out, -S what an editable installation runs at every start.
    paths = [str(ROOT.parent), *filter(None, [path])]
    script = f"import sys; sys.path += {paths}; import {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_what_every_verb_loads_has_no_library_but_typer() -> None:
    # --help, list and status would wait for libraries that they never use.
    libraries = str(Path(typer.__file__).parent.parent)
    loaded = loaded_by("vaultpy.cli.app", path=libraries)
    assert "typer" in loaded
    assert loaded & {*LIBRARIES, "http.server", "ssl"} == set()


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_a_library_is_imported_in_one_module(library: str) -> None:
    assert {module for module in set(MODULES) - SIMULATED if library in foreign(module)} == LIBRARIES[library]


def test_only_the_command_line_imports_typer() -> None:
    users = {module for module in MODULES if "typer" in foreign(module)}
    assert users
    assert users <= CLI


def test_no_other_library_is_imported() -> None:
    assert {name for module in set(MODULES) - SIMULATED for name in foreign(module)} == {*LIBRARIES, "typer"}


def test_the_card_takes_only_its_base_class_from_yubikit() -> None:
    taken = {name for name in IMPORTS["pcsc"].everywhere if of(name, "yubikit")}
    assert taken <= FROM_YUBIKIT_FOR_PCSC


@pytest.mark.parametrize("module", sorted(EDGES))
def test_edges_import_the_core_and_never_each_other_or_the_broker(module: str) -> None:
    allowed = CORE - {"broker", "sts_calls"} | {other for one, other in STORIES if one == module}
    assert ours(module) <= allowed


def test_only_the_wiring_knows_the_edges() -> None:
    knowing = {
        module
        for module in set(MODULES) - EDGES - SIMULATED
        if ours(module) & (EDGES - {"terminal"})  # the command line speaks through the terminal too
    }
    assert knowing <= WIRING


@pytest.mark.parametrize("module", sorted(CLI))
def test_the_command_line_imports_the_wiring_the_terminal_and_the_core(module: str) -> None:
    demo = {"demo.play"} if module == "cli.demo" else set()
    assert ours(module) <= CORE | CLI | WIRING | {"terminal"} | demo


@pytest.mark.parametrize("module", sorted(SERVER))
def test_the_server_imports_the_core_and_itself(module: str) -> None:
    assert ours(module) <= CORE | SERVER


def test_the_entry_point_imports_the_warm_path_and_the_command_line_only_after_it() -> None:
    assert ours("__main__") == {"__init__", "warm", "windows", "cli.context", "cli.run"}
    assert {name for name in IMPORTS["__main__"].at_once if of(name)} == {"vaultpy", "vaultpy.warm"}


def test_the_main_job_is_done_without_loading_typer() -> None:
    assert not any("typer" in name or name.endswith("cli.app") for name in IMPORTS["cli.run"].at_once)
    script = "import sys, vaultpy.cli.run; sys.exit('typer' in sys.modules)"
    subprocess.run([sys.executable, "-I", "-c", script], check=True)


def test_the_simulation_knows_nothing_of_vaultpy_and_of_vaultpy_only_the_demo_knows_it() -> None:
    assert set().union(*(ours(module) for module in SIMULATED)) <= SIMULATED
    knowing = {module for module in set(MODULES) - SIMULATED if ours(module) & SIMULATED}
    assert knowing
    assert knowing <= DEMO


def test_only_its_own_verb_leads_to_the_demo() -> None:
    assert {module for module in set(MODULES) - DEMO if ours(module) & DEMO} == {"cli.demo"}


def test_imports_never_go_in_a_circle() -> None:
    left = {module: ours(module) - {module} for module in MODULES}
    while free := {module for module, needs in left.items() if not needs & set(left)}:
        left = {module: needs for module, needs in left.items() if module not in free}
    assert left == {}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_file_is_short(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    longest, _why = LONGER_FILES.get(module, (LONGEST_FILE, ""))
    assert lines <= longest


def functions(module: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of its body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_function_is_short(module: str) -> None:
    assert {f.name: length(f) for f in functions(module) if length(f) > LONGEST_FUNCTION} == {}
