"""The order of a scan's axes that its DICOM images have, whatever order it is stored in."""

from __future__ import annotations

import numpy as np

from ..volume import Volume
from .dicom_stack import LPS_TO_RAS


def in_usual_order(volume: Volume) -> Volume:
    """The same voxels in the same places with the order of axes that DICOM images have: i to L, j to P, k to S."""
    ijk_to_lps = LPS_TO_RAS @ volume.ijk_to_ras
    closeness = np.abs(ijk_to_lps[:3, :3]) / np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    # Axis of the patient -> axis of the volume: the clearest first.
    order: dict[int, int] = {}
    for flat in np.argsort(-closeness, axis=None):
        patient, own = divmod(int(flat), 3)
        if patient not in order and own not in order.values():
            order[patient] = own
    turn = np.zeros((4, 4))
    turn[3, 3] = 1.0
    array = np.transpose(volume.array, [2 - order[2 - axis] for axis in range(3)])
    for patient, own in order.items():
        backwards = ijk_to_lps[patient, own] < 0
        turn[own, patient] = -1.0 if backwards else 1.0
        if backwards:
            turn[own, 3] = volume.array.shape[2 - own] - 1
            array = np.flip(array, 2 - patient)
    return Volume(array, volume.ijk_to_ras @ turn, volume.name)
