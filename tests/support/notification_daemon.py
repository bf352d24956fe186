"""A desktop's notification server: it writes each notification that it gets, as a line of JSON, to stdout.

Its first line is the bus's address. It ends with its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from jeepney import HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

_NAME = "org.freedesktop.Notifications"
_UNKNOWN = "org.freedesktop.DBus.Error.UnknownMethod"


def main() -> None:
    """Answer until the bus goes."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    with open_dbus_connection() as bus:
        bus.send_and_get_reply(message_bus.RequestName(_NAME))
        print(os.environ["DBUS_SESSION_BUS_ADDRESS"], flush=True)  # noqa: T201  # how it speaks
        while True:
            message = bus.receive()
            if message.header.message_type is MessageType.method_call:
                bus.send(_answer(message))


def _answer(message: Any) -> Any:  # noqa: ANN401  # jeepney has no types
    member = message.header.fields[HeaderFields.member]
    if member == "Notify":
        app, _replaced, _icon, summary, body, actions, hints, milliseconds = message.body
        transient = bool(hints.get("transient", ("b", False))[1])
        shown = {"app": app, "summary": summary, "body": body, "actions": actions}
        shown |= {"milliseconds": milliseconds, "transient": transient}
        print(json.dumps(shown), flush=True)  # noqa: T201  # how it speaks
        return new_method_return(message, "u", (1,))
    if member == "GetServerInformation":
        return new_method_return(message, "ssss", ("daemon", "tests", "1", "1.2"))
    if member == "GetCapabilities":
        return new_method_return(message, "as", (["body", "body-markup"],))
    return new_error(message, _UNKNOWN)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    with suppress(ConnectionError, EOFError):
        main()
