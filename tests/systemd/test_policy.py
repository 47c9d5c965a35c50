"""The system bus policy, enforced by a real dbus-daemon: who may be chatttsd, call it and hear it."""

import grp
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_method_call, new_signal
from jeepney.bus_messages import MatchRule, message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH

POLICY: Final = Path(__file__).parents[2] / "systemd" / f"{BUS_NAME}.conf"
SERVICE: Final = DBusAddress(OBJECT_PATH, bus_name=BUS_NAME, interface=INTERFACE)
ME: Final = pwd.getpwuid(os.getuid()).pw_name
SOMEBODY_ELSE: Final = next(entry.pw_name for entry in pwd.getpwall() if entry.pw_uid != os.getuid())
MY_GROUP: Final = grp.getgrgid(os.getgid()).gr_name
OTHER_GROUP: Final = next(
    entry.gr_name for entry in grp.getgrall() if entry.gr_gid not in {*os.getgroups(), os.getgid()}
)
# What Debian's system.conf says before it includes the policies of the packages.
SYSTEM_BUS: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  <include>{policy}</include>
</busconfig>
"""


@contextmanager
def system_bus(folder: Path, *, owner: str, group: str, administrator: str = SOMEBODY_ELSE) -> Iterator[str]:
    """Run a system bus with the policy, its user, group and root replaced by accounts of this machine."""
    text = POLICY.read_text()
    for placeholder, name in (("group audio", group), ("user root", administrator), ("user chattts", owner)):
        kind, old = placeholder.split()
        assert f'{kind}="{old}"' in text
        text = text.replace(f'{kind}="{old}"', f'{kind}="{name}"')
    policy, configuration = folder / "policy.conf", folder / "system.conf"
    policy.write_text(text)
    configuration.write_text(SYSTEM_BUS.format(socket=folder / "bus", policy=policy))
    command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


@contextmanager
def connections(address: str) -> Iterator[tuple[DBusConnection, DBusConnection]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(open_dbus_connection(address)),
            stack.enter_context(open_dbus_connection(address)),
        )


def error_name(message: Message) -> str:
    return str(message.header.fields.get(HeaderFields.error_name, ""))


def request_name(bus: DBusConnection) -> str:
    """Return the name of the error, empty when the name was given."""
    return error_name(bus.send_and_get_reply(message_bus.RequestName(BUS_NAME), timeout=10))


DENIED: Final = "org.freedesktop.DBus.Error.AccessDenied"


@pytest.mark.parametrize(("owner", "answer"), [(ME, ""), (SOMEBODY_ELSE, DENIED)])
def test_only_the_service_user_may_own_the_name(tmp_path: Path, owner: str, answer: str) -> None:
    with (
        system_bus(tmp_path, owner=owner, group=OTHER_GROUP) as address,
        open_dbus_connection(address) as bus,
    ):
        assert request_name(bus) == answer


@pytest.mark.parametrize(
    ("group", "administrator"), [(MY_GROUP, SOMEBODY_ELSE), (OTHER_GROUP, ME)], ids=["audio", "root"]
)
def test_audio_group_and_root_may_call_and_hear(tmp_path: Path, group: str, administrator: str) -> None:
    with (
        system_bus(tmp_path, owner=ME, group=group, administrator=administrator) as address,
        connections(address) as (service, client),
    ):
        assert request_name(service) == ""
        client.send(new_method_call(SERVICE, "CancelAll"))
        assert service.receive(timeout=10).header.fields[HeaderFields.member] == "CancelAll"
        assert signals_heard(service, client) == 1


def test_others_may_neither_call_nor_hear(tmp_path: Path) -> None:
    with (
        system_bus(tmp_path, owner=ME, group=OTHER_GROUP) as address,
        connections(address) as (service, client),
    ):
        assert request_name(service) == ""
        reply = client.send_and_get_reply(new_method_call(SERVICE, "CancelAll"), timeout=10)
        assert error_name(reply) == DENIED
        assert signals_heard(service, client) == 0


def signals_heard(service: DBusConnection, client: DBusConnection) -> int:
    """Emit one signal and count how often it arrives: a reply of the bus comes after all it sent before."""
    rule = MatchRule(type="signal", interface=INTERFACE)
    client.send_and_get_reply(message_bus.AddMatch(rule), timeout=10)
    service.send(new_signal(DBusAddress(OBJECT_PATH, interface=INTERFACE), "Started", "u", (1,)))
    service.send_and_get_reply(message_bus.GetId(), timeout=10)
    client.send(message_bus.GetId())
    heard = 0
    while (message := client.receive(timeout=10)).header.message_type is not MessageType.method_return:
        heard += message.header.fields.get(HeaderFields.member) == "Started"
    return heard
