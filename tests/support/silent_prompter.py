"""A keyring prompter whose window nobody answers: D-Bus starts it when a Secret Service wants to ask.

It takes the name of GNOME's prompter, agrees to whatever it is asked to show, and never tells what was typed.
"""

from __future__ import annotations

from contextlib import suppress

from jeepney import MessageType, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

_NAME = "org.gnome.keyring.SystemPrompter"


def main() -> None:
    """Answer until the bus goes."""
    with open_dbus_connection() as bus:
        bus.send(message_bus.RequestName(_NAME))  # what it is asked may come before the answer
        while True:
            message = bus.receive()
            if message.header.message_type is MessageType.method_call:
                bus.send(new_method_return(message))


if __name__ == "__main__":
    with suppress(ConnectionError, EOFError):
        main()
