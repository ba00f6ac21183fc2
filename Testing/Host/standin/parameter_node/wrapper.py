"""``@parameterNodeWrapper``: a class with types becomes a typed face of a vtkMRMLScriptedModuleNode."""

# ruff: noqa: N802, N803, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import typing
from typing import Any

import slicer
import vtk

from .connectors import Connector, connector
from .serializers import Kept, keeper
from .validators import Default, Validator, first, split

NAME_PROPERTY = "SlicerParameterName"

_callbacks: dict[tuple[Any, int], Any] = {}
"""What observes a node for an interface; kept here for the reason that ``natives/observing.py`` gives."""


class Parameter:
    """One typed attribute, as the class declares it."""

    def __init__(self, name: str, kind: Any, default: Any) -> None:
        self.basename, self.unalteredType = name, kind
        plain, annotations = split(kind)
        self.kept: Kept = keeper(plain)
        self.limits = [each for each in annotations if isinstance(each, Validator)]
        given = first(annotations, Default)
        self.default = default or given or Default(self.kept.default())

    def __get__(self, wrapper: Any, cls: type) -> Any:
        if wrapper is None:
            return self
        if not self.kept.is_in(wrapper.parameterNode, self.name_in(wrapper)):
            self.__set__(wrapper, self.default.value)
        return self.kept.read(wrapper.parameterNode, self.name_in(wrapper))

    def __set__(self, wrapper: Any, value: Any) -> None:
        self.kept.check(value)
        for limit in self.limits:
            limit.validate(value)
        self.kept.write(wrapper.parameterNode, self.name_in(wrapper), value)

    def name_in(self, wrapper: Any) -> str:
        """Return under which name the node keeps it."""
        return f"{wrapper._prefix}{self.basename}"


class Wrapper:
    """What every wrapped class has."""

    allParameters: dict[str, Parameter]
    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._prefix = prefix or ""
        self._interfaces: dict[int, dict[str, Connector]] = {}
        self._tags: dict[int, int] = {}
        self._next = 0
        self._updating = False
        for name, parameter in self.allParameters.items():
            if not parameter.kept.is_in(parameterNode, parameter.name_in(self)):
                setattr(self, name, parameter.default.value)

    def default(self, name: str) -> Default:
        """Return what a parameter is before it is set."""
        return self._parameter(name).default

    def isCached(self, name: str) -> bool:
        """Tell whether reading is cheap: nothing is cached here."""
        self._parameter(name)
        return False

    @classmethod
    def dataType(cls, name: str) -> Any:
        """Return the type of a parameter with its annotations."""
        return cls._parameter(name).unalteredType

    @classmethod
    def _parameter(cls, name: str) -> Parameter:
        if name not in cls.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}. Found: {', '.join(cls.allParameters)}")
        return cls.allParameters[name]

    def getValue(self, name: str) -> Any:
        """Return a parameter by its name."""
        self._parameter(name)
        return getattr(self, name)

    def setValue(self, name: str, value: Any) -> None:
        """Set a parameter by its name."""
        self._parameter(name)
        setattr(self, name, value)

    def StartModify(self) -> int:
        """Gather changes."""
        return int(self.parameterNode.StartModify())

    def EndModify(self, before: int) -> int:
        """Say that it was modified, once for all changes since StartModify."""
        return int(self.parameterNode.EndModify(before))

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        """Observe the node."""
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        """Stop observing the node."""
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        """Say that the node was modified."""
        self.parameterNode.Modified()

    def connectGui(self, gui: Any) -> int:
        """Tie the widgets that name a parameter to it; return a tag for ``disconnectGui``."""
        if hasattr(gui, "isWidgetType"):
            import qt

            widgets = gui.findChildren(qt.QWidget)
        else:
            widgets = vars(gui).values()
        named = {widget.property(NAME_PROPERTY): widget for widget in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Tie widgets to parameters by name; return a tag for ``disconnectGui``."""
        for name in mapping:
            self._parameter(name)
        made = {name: connector(widget, self.dataType(name)) for name, widget in mapping.items()}
        tag, self._next = self._next, self._next + 1
        self._interfaces[tag] = made
        for name, each in made.items():
            each.write(self.getValue(name))
            each.on_changed(self._taking(name, each))
        _callbacks[self, tag] = lambda *_: self._show()
        self._tags[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, _callbacks[self, tag])
        return tag

    def disconnectGui(self, tag: int) -> None:
        """Part widgets from parameters."""
        for each in self._interfaces.pop(tag, {}).values():
            each.on_changed(None)
        if tag in self._tags:
            self.RemoveObserver(self._tags.pop(tag))
            _callbacks.pop((self, tag))

    def _taking(self, name: str, each: Connector) -> Any:
        def take() -> None:
            if not self._updating:
                with slicer.util.NodeModify(self):
                    self.setValue(name, each.read())

        return take

    def _show(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self):
                for made in self._interfaces.values():
                    for name, each in made.items():
                        each.write(self.getValue(name))
        finally:
            self._updating = False


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Turn a class with typed attributes into the face of a parameter node."""
    if cls is None:
        return parameterNodeWrapper
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {}
    for name, kind in hints.items():
        default = Default(vars(cls)[name]) if name in vars(cls) else None
        try:
            parameters[name] = Parameter(name, kind, default)
        except TypeError as error:
            raise Exception(f"Unable to create serializer for {cls} member {name}") from error
        if hasattr(Wrapper, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
    for name, parameter in parameters.items():
        setattr(cls, name, parameter)
    own = {name: value for name, value in vars(Wrapper).items() if name not in ("__dict__", "__weakref__", "__doc__")}
    for name, value in own.items():
        if not name.startswith("__") or name == "__init__":
            if name in vars(cls) and name != "__init__":
                raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
            setattr(cls, name, value)
    cls.allParameters = parameters  # type: ignore[attr-defined]
    return cls


def isParameterNodeWrapper(value: Any) -> bool:
    """Tell whether a class or an object is the face of a parameter node."""
    return bool(getattr(value, "_is_parameter_node_wrapper", False))


def findChildWidgetForParameter(widget: Any, parameter: str) -> Any:
    """Return the child that names a parameter, or None."""
    import qt

    return next((w for w in widget.findChildren(qt.QWidget) if w.property(NAME_PROPERTY) == parameter), None)
