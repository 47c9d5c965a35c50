"""The published interface: the XML in the tree is what the daemon says, and every member is described."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from chatttsd.constants import INTERFACE
from support.introspect import KEPT, generated

METHODS = {
    "Speak": ("s", "u"),
    "SpeakWith": ("sa{ss}", "u"),
    "Synthesize": ("hsa{ss}", "u"),
    "Wait": ("u", "s"),
    "Cancel": ("u", ""),
    **dict.fromkeys(
        ("CancelAll", "Pause", "Resume", "Skip", "LoadModel", "UnloadModel", "Reload"),
        ("", ""),
    ),
}
PROPERTIES = {
    "Version": ("s", "read"),
    "State": ("s", "read"),
    "ModelState": ("s", "read"),
    "Engine": ("s", "read"),
    "Reason": ("s", "read"),
    "Voices": ("a(sssas)", "read"),
    "QueueLength": ("u", "read"),
    "Current": ("u", "read"),
    "DefaultVoice": ("s", "readwrite"),
    "Rate": ("d", "readwrite"),
    "Volume": ("d", "readwrite"),
    "Statistics": ("a{sv}", "read"),
}
SIGNALS = {"Started": "u", "Progress": "uuu", "Mark": "us", "Finished": "us"}


@pytest.fixture
def interface() -> ET.Element:
    found = ET.fromstring(generated()).find(f"interface[@name='{INTERFACE}']")
    assert found is not None
    return found


def test_the_kept_xml_is_what_the_daemon_says() -> None:
    assert KEPT.read_text(encoding="utf-8") == generated(), "run: python tests/support/introspect.py"


def test_the_contracts_methods_are_there(interface: ET.Element) -> None:
    found = {
        node.attrib["name"]: (_types(node, "in"), _types(node, "out")) for node in interface.iter("method")
    }
    assert found == METHODS


def test_the_contracts_properties_are_there(interface: ET.Element) -> None:
    found = {
        node.attrib["name"]: (node.attrib["type"], node.attrib["access"])
        for node in interface.iter("property")
    }
    assert found == PROPERTIES


def test_the_contracts_signals_are_there(interface: ET.Element) -> None:
    assert {node.attrib["name"]: _types(node, None) for node in interface.iter("signal")} == SIGNALS


def test_every_member_and_every_argument_is_described_by_name(interface: ET.Element) -> None:
    for member in _members(interface):
        docs = [
            a.attrib["value"] for a in member.findall("annotation") if a.attrib["name"].endswith("DocString")
        ]
        assert len(docs) == 1, member.attrib["name"]
        assert len(docs[0]) > 10, member.attrib["name"]
        assert all(argument.attrib.get("name") for argument in member.findall("arg")), member.attrib["name"]


def _members(interface: ET.Element) -> Iterator[ET.Element]:
    return (node for node in interface if node.tag in ("method", "signal", "property"))


def _types(node: ET.Element, way: str | None) -> str:
    return "".join(a.attrib["type"] for a in node.findall("arg") if a.attrib.get("direction") == way)
