"""Says as what the segments can be exported, what each is good for, and what is to be known before it is done."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...export.formats import TITLES, Form
from ...session.signals import Signal
from ..state import PageState
from .controls import icon_button, raising, text_button

COLUMNS = (
    (
        (
            "For clinical systems",
            {
                Form.DICOM_SEG: "For PACS and viewers; segments may overlap",
                Form.RTSTRUCT: "Contours for radiotherapy planning",
                Form.DICOM_SR: "Coded measurements; with a Segmentation",
                Form.DICOM_LABELMAP: "Compact; few viewers know it yet",
            },
        ),
    ),
    (
        (
            "Label maps",
            {
                Form.NIFTI: "For research, ITK-SNAP and Python",
                Form.NRRD: "For 3D Slicer and ITK",
            },
        ),
        ("3D Slicer", {Form.SEG_NRRD: "Names, colours, codes and overlaps are kept"}),
    ),
    (
        (
            "Surfaces",
            {
                Form.STL: "For 3D printing; a file for each segment",
                Form.OBJ: "For rendering and teaching",
                Form.PLY: "For meshing and MeshLab",
            },
        ),
        ("Report", {Form.REPORT: "To read, to print, and for statistics"}),
    ),
)
"""Groups of kinds by columns, and what each kind is good for."""
ICONS = "{refused: 'mdi-close-octagon-outline', asked: 'mdi-alert-outline', repaired: 'mdi-information-outline'}"
READING = "The earlier segmentation is being read."
WORDS = "{refused: 'Not possible: ', asked: 'Asked: ', repaired: ''}"
"""Before a finding, for those who do not see its icon."""


class ExportDialog:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.cancel_asked: Signal[None] = Signal()
        self.prior_dropped: Signal[None] = Signal()
        dialog = state.name.export
        with (
            v3.VDialog(v_model=(dialog.shown,), max_width=1100, scrollable=True, raw_attrs=['aria-label="Export"']),
            v3.VCard(classes="export"),
        ):
            v3.VCardTitle("Export")
            with v3.VCardText():
                with html.Div(classes="export-columns"):
                    for column in COLUMNS:
                        with html.Div():
                            for title, kinds in column:
                                self._group(dialog, title, kinds)
                self._option(dialog.shown_only, "Only the segments that are shown")
                self._findings(dialog)
            self._failure(dialog)
            with v3.VCardActions():
                self._progress(dialog)
                text_button("Close", f"{dialog.shown} = false", tip="Esc")
                why_not = f"{dialog.why_not} || ({dialog.reading} ? {READING!r} : '')"
                why_not = f"{why_not} || ({dialog.asks} && !{dialog.agreed} ? 'Agree to it first' : '')"
                options = {
                    "agreed": dialog.agreed,
                    "each": dialog.each,
                    "new_series": dialog.new_series,
                    "shown_only": dialog.shown_only,
                }
                wish = f"{dialog.chosen}, {{{', '.join(f'{key}: {value}' for key, value in options.items())}}}"
                with html.Span(v_if=(f"!{dialog.running}",)):
                    text_button(
                        "Export",
                        f"window.vista.exportFiles({wish})",
                        why_not, tip="Enter", color="primary", variant="flat", classes="by-enter",
                    )  # fmt: skip

    def _group(self, dialog: Any, title: str, kinds: dict[Form, str]) -> None:
        with html.Div(classes="export-group", raw_attrs=['role="group"', f'aria-label="{title}"']):
            html.Div(title, classes="section-title", raw_attrs=['role="heading"', 'aria-level="2"'])
            if any(form.is_dicom for form in kinds):
                html.Div(f"{{{{ {dialog.no_dicom} }}}}", v_if=(dialog.no_dicom,), classes="note")
                self._option(dialog.new_series, "Write the scan as a new, anonymous series", v_if=(dialog.no_dicom,))
            for form, use in kinds.items():
                self._kind(dialog, form, use)
            if Form.REPORT in kinds:
                self._prior(dialog)
            if any(form in (Form.NIFTI, Form.NRRD) for form in kinds):
                self._option(
                    dialog.each,
                    "A file for each segment",
                    disabled=(f"!{dialog.chosen}.some((form) => ['nifti', 'nrrd'].includes(form))",),
                )

    def _prior(self, dialog: Any) -> None:
        with html.Div(v_if=(f"{dialog.chosen}.includes({Form.REPORT.value!r})",), classes="export-prior"):
            with html.Div(v_if=(f"!{dialog.prior}",)):
                text_button(
                    "Compare with an earlier segmentation",
                    "window.vista.pick(false, 'uploaded_prior')",
                    f"{dialog.reading} ? {READING!r} : ''",
                    tip="Volumes and lesions then and now; .seg.nrrd, DICOM, or a label map with its table",
                    size="x-small",
                )
            with html.Div(v_if=(dialog.prior,), classes="flex-row"):
                html.Span(f"Compared with {{{{ {dialog.prior} }}}}", classes="export-use")
                icon_button("Do not compare", "mdi-close", raising(self.prior_dropped))

    def _option(self, model: str, label: str, **options: Any) -> None:
        v3.VCheckbox(
            v_model=(model,),
            label=label,
            density="compact",
            hide_details=True,
            color="primary",
            classes="export-each",
            raw_attrs=[f'aria-label="{label}"'],
            **options,
        )

    def _kind(self, dialog: Any, form: Form, use: str) -> None:
        identity = f"export-{form.name.lower()}"
        # The widget's own hints are alerts to screen readers.
        with (
            v3.VCheckbox(
                v_model=(dialog.chosen,),
                value=form.value,
                density="compact",
                hide_details=True,
                color="primary",
                disabled=(f"!!{dialog.no_dicom} && !{dialog.new_series}",) if form.is_dicom else False,
                raw_attrs=[f'aria-label="{TITLES[form]}"', f'aria-describedby="{identity}"'],
            ),
            v3.Template(v_slot_label=True),
        ):
            html.Span(TITLES[form])
            html.Span(use, classes="export-use", id=identity)

    def _findings(self, dialog: Any) -> None:
        with (
            html.Div(classes="findings", raw_attrs=['role="list"', 'aria-label="Findings"', 'aria-live="polite"']),
            html.Div(
                v_for=f"finding in {dialog.findings}",
                key="finding.words",
                classes=("'finding ' + finding.consequence",),
                raw_attrs=['role="listitem"'],
            ),
        ):
            v3.VIcon(icon=(f"{ICONS}[finding.consequence]",), size=17)
            html.Span(f"{{{{ {WORDS}[finding.consequence] }}}}", classes="unseen")
            html.Span("{{ finding.words }}")
        v3.VCheckbox(
            v_if=(f"{dialog.asks}",),
            v_model=(dialog.agreed,),
            label="Export nevertheless",
            density="compact",
            hide_details=True,
            color="primary",
            raw_attrs=['aria-label="Export nevertheless"'],
        )

    def _failure(self, dialog: Any) -> None:
        with html.Div(v_if=(dialog.failure,), classes="finding refused export-failure", raw_attrs=['role="alert"']):
            v3.VIcon("mdi-alert-circle-outline", size=17)
            html.Span(f"{{{{ {dialog.failure} }}}}")

    def _progress(self, dialog: Any) -> None:
        with html.Div(classes="grow running"), html.Div(v_if=(dialog.running,), classes="flex-row"):
            v3.VProgressLinear(
                model_value=(f"{dialog.percent} || 0",),
                indeterminate=(f"{dialog.percent} === null",),
                height=6,
                rounded=True,
                color="primary",
                raw_attrs=['aria-label="Export"'],
            )
            html.Div(f"{{{{ {dialog.told} }}}}", classes="note", raw_attrs=['aria-label="Progress of the export"'])
            text_button("Cancel", raising(self.cancel_asked), tip="No file is made")
