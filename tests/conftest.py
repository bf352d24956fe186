"""What all tests share: fixtures, and signals as a shell's foreground job has them.

A shell without job control starts background jobs with SIGINT ignored, which every command that the tests
start would inherit: none of them could be interrupted.
"""

import signal

pytest_plugins = [
    "support.fixtures",
    "support.figures",
    "support.fuzzing",
    "support.aws_fixtures",
    "support.keystore_fixtures",
]

signal.signal(signal.SIGINT, signal.default_int_handler)
