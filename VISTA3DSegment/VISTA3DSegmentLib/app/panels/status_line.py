"""The line at the bottom: what was said last, how fast the last click was, and what computes."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ..state import PageState


class StatusLine:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        status, scan = state.name.status, state.name.scan
        with v3.VFooter(app=True, border="t", classes="status-line"):
            v3.VProgressCircular(v_if=(f"{status.busy} || {scan.busy}",), indeterminate=True, size=13, width=2)
            with html.Div(
                classes=(f"'message' + ({status.failed} ? ' failed' : '')",),
                raw_attrs=[
                    f":role=\"{status.failed} ? 'alert' : 'status'\"",
                    'aria-live="polite"',
                    'data-line="message"',
                    f':title="{status.message}"',
                ],
            ):
                v3.VIcon("mdi-alert-circle-outline", v_if=(status.failed,), size=15)
                html.Span(f"{{{{ {scan.busy} || {status.message} || {status.hint} }}}}")
            html.Div(
                f"{{{{ {status.latency} }}}}", classes="latency",
                raw_attrs=['aria-label="Latency"', 'title="From the last click to voxels, slices and surface"'],
            )  # fmt: skip
            html.Div(f"{{{{ {status.engine} }}}}", classes="engine", raw_attrs=['aria-label="Engine"'])
