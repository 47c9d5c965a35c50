"""Introspection XML: generated from an interface's declarations, with a DocString for every member."""

import inspect
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Final

from chatttsd.bus.interface import Interface, Method

_DOCTYPE: Final = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)
_DOC: Final = "org.gtk.GDBus.DocString"
_EMITS: Final = "org.freedesktop.DBus.Property.EmitsChangedSignal"
_STANDARD: Final = """
<node>
  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect"><arg name="xml_data" type="s" direction="out"/></method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId"><arg name="machine_uuid" type="s" direction="out"/></method>
  </interface>
  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="out"/>
    </method>
    <method name="Set">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="property_name" type="s" direction="in"/>
      <arg name="value" type="v" direction="in"/>
    </method>
    <method name="GetAll">
      <arg name="interface_name" type="s" direction="in"/>
      <arg name="properties" type="a{sv}" direction="out"/>
    </method>
    <signal name="PropertiesChanged">
      <arg name="interface_name" type="s"/>
      <arg name="changed_properties" type="a{sv}"/>
      <arg name="invalidated_properties" type="as"/>
    </signal>
  </interface>
</node>
"""


def document(interfaces: Iterable[Interface], children: Iterable[str] = ()) -> str:
    """Return the introspection document of an object with these interfaces and child nodes."""
    node = ET.Element("node")
    node.extend(element(interface) for interface in interfaces)
    node.extend(ET.fromstring(_STANDARD))  # noqa: S314 - a constant of this module
    for child in children:
        ET.SubElement(node, "node", name=child)
    ET.indent(node)
    return _DOCTYPE + ET.tostring(node, encoding="unicode") + "\n"


def element(interface: Interface) -> ET.Element:
    """Return one interface as an element, members in alphabetical order."""
    top = ET.Element("interface", name=interface.name)
    _annotate(top, _DOC, inspect.getdoc(type(interface)) or "")
    for item in sorted(interface.methods.values(), key=lambda item: item.name):
        _method_element(top, item)
    for signal in interface.signals:
        node = ET.SubElement(top, "signal", name=signal.name)
        _annotate(node, _DOC, signal.doc)
        _argument_elements(node, signal.arguments, None)
    for prop in sorted(interface.properties.values(), key=lambda item: item.name):
        access = "readwrite" if prop.setter else "read"
        node = ET.SubElement(top, "property", name=prop.name, type=prop.signature, access=access)
        _annotate(node, _DOC, inspect.getdoc(prop.getter) or "")
        _annotate(node, _EMITS, prop.emits)
    return top


def _method_element(top: ET.Element, item: Method) -> None:
    node = ET.SubElement(top, "method", name=item.name)
    _annotate(node, _DOC, inspect.getdoc(item.function) or "")
    _argument_elements(node, item.inputs, "in")
    _argument_elements(node, item.outputs, "out")


def _argument_elements(node: ET.Element, arguments: tuple[tuple[str, str], ...], way: str | None) -> None:
    for name, signature in arguments:
        argument = ET.SubElement(node, "arg", name=name, type=signature)
        if way is not None:
            argument.set("direction", way)


def _annotate(node: ET.Element, name: str, value: str) -> None:
    ET.SubElement(node, "annotation", name=name, value=" ".join(value.split()))
