"""Which keys and which mouse buttons do what."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ..state import PageState

KEYS = (
    ("click in a slice", "add or remove voxels there"),
    ("ctrl-click", "remove voxels there"),
    ("drag a marker", "move a click"),
    ("right-click a marker", "flip or delete a click"),
    ("A / D", "clicks add / remove"),
    ("ctrl-Z / ctrl-Y, ctrl-shift-Z", "undo / redo"),
    ("Esc", "end drawing; cancel what is being computed"),
    ("T, a name, Enter", "find a structure by its name; or click on it"),
    ("B", "draw a box: two clicks or a drag; its handles change it"),
    ("N", "next lesion"),
    ("space", "before / after the last change"),
    ("double-click a name", "rename that segment"),
    ("mouse wheel", "next slice"),
    ("drag", "more or fewer grey values (right / left), brighter or darker (up / down)"),
    ("right drag / middle drag", "zoom / move the picture"),
    ("shift + move", "all views go to the place under the mouse"),
)


class HelpDialog:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        with v3.VDialog(v_model=(state.name.help,), max_width=520), v3.VCard(raw_attrs=['aria-label="Keys and mouse"']):
            v3.VCardTitle("Keys and mouse")
            with v3.VCardText(classes="keys"):
                for key, meaning in KEYS:
                    html.Kbd(key)
                    html.Span(meaning)
                html.Div(
                    "Not a medical device. For research and teaching; look at every result before you use it.",
                    classes="note whole",
                )
