"""What a segmentation can be exported as."""

from __future__ import annotations

from enum import Enum


class Form(Enum):
    """A kind of file; the value is its name on the command line and in addresses.

    Members:
        DICOM_SEG: DICOM Segmentation, a binary frame for each slice of each segment.
        DICOM_LABELMAP: DICOM Label Map Segmentation (supplement 243).
        RTSTRUCT: DICOM RT structure set.
        DICOM_SR: DICOM structured report of measurements (TID 1500), which refers to a DICOM Segmentation beside it.
        NIFTI: label map, with its lookup table beside it.
        NRRD: likewise.
        SEG_NRRD: Slicer's segmentation.
        STL: surfaces.
        OBJ: surfaces with colours.
        PLY: surfaces with colours.
        REPORT: measurements as a page, a table and JSON.
    """

    DICOM_SEG = "dicom-seg"
    DICOM_LABELMAP = "dicom-labelmap"
    RTSTRUCT = "rtstruct"
    DICOM_SR = "dicom-sr"
    NIFTI = "nifti"
    NRRD = "nrrd"
    SEG_NRRD = "seg.nrrd"
    STL = "stl"
    OBJ = "obj"
    PLY = "ply"
    REPORT = "report"

    @property
    def is_dicom(self) -> bool:
        """It refers to the DICOM series of the scan."""
        return self in (Form.DICOM_SEG, Form.DICOM_LABELMAP, Form.RTSTRUCT, Form.DICOM_SR)

    @property
    def is_label_map(self) -> bool:
        """It holds one structure per voxel."""
        return self in (Form.DICOM_LABELMAP, Form.NIFTI, Form.NRRD)

    @property
    def needs_codes(self) -> bool:
        """It must say in codes what a segment is."""
        return self.is_dicom and self is not Form.RTSTRUCT


TITLES = {
    Form.DICOM_SEG: "DICOM Segmentation",
    Form.DICOM_LABELMAP: "DICOM Label Map Segmentation (new readers only)",
    Form.RTSTRUCT: "DICOM RT structure set",
    Form.DICOM_SR: "DICOM structured report of measurements",
    Form.NIFTI: "Label map (NIfTI) with lookup table",
    Form.NRRD: "Label map (NRRD) with lookup table",
    Form.SEG_NRRD: "Segmentation for 3D Slicer (.seg.nrrd)",
    Form.STL: "Surfaces (STL)",
    Form.OBJ: "Surfaces with colours (OBJ)",
    Form.PLY: "Surfaces with colours (PLY)",
    Form.REPORT: "Report of volumes and measurements (HTML, CSV, JSON)",
}
"""What a person reads."""

STEM = "segmentation"
"""How files' names begin where nobody chose it: it says nothing of the patient."""
ENDINGS = {
    Form.DICOM_SEG: "_seg.dcm", Form.DICOM_LABELMAP: "_labelmap.dcm", Form.RTSTRUCT: "_rtstruct.dcm",
    Form.DICOM_SR: "_sr.dcm", Form.NIFTI: ".nii.gz", Form.NRRD: ".nrrd", Form.SEG_NRRD: ".seg.nrrd",
}  # fmt: skip
"""What follows the common name of the files; the other kinds are several files."""
