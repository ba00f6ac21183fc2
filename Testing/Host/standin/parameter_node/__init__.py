"""``slicer.parameterNodeWrapper``, with the public behaviour of Slicer's: typed parameters in a node of the scene."""

from __future__ import annotations

import types


def wrapper_module() -> types.ModuleType:
    """Return what ``slicer.parameterNodeWrapper`` is."""
    from . import connectors, validators, wrapper

    module = types.ModuleType("slicer.parameterNodeWrapper", __doc__)
    for source, names in (
        (
            validators,
            "Choice Decimals Default Exclude FloatRange IsInstance Label Maximum Minimum NotNone RangeBounds "
            "SingleStep Validator WithinRange",
        ),
        (wrapper, "parameterNodeWrapper isParameterNodeWrapper findChildWidgetForParameter"),
    ):
        for name in names.split():
            setattr(module, name, getattr(source, name))
    module.SlicerParameterNamePropertyName = wrapper.NAME_PROPERTY  # type: ignore[attr-defined]
    module.createGuiConnector = connectors.connector  # type: ignore[attr-defined]
    return module
