"""The engine as a whole: opened by a file's name, one contract for whoever asks."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_builders import (
    LIVER,
    SHAPE,
    SPLEEN,
    click_at,
    cloudy_scan,
    engine_of,
    specification,
    tiny_network,
    whole,
)
from VISTA3DSegmentLib.edits import Edit, MaskCrop
from VISTA3DSegmentLib.engine import Engine, Opened
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.engines.vista3d.backend import TorchBackend
from VISTA3DSegmentLib.engines.vista3d.engine import Vista3DEngine
from VISTA3DSegmentLib.engines.weight_files import save_model
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.volume import Volume

NEW = Structure("nodule")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(tiny_network().state_dict(), specification(), path)
    return path


def opened_from(file: Path) -> Vista3DEngine:
    engine = open_engine(weights=file, device="cpu", precision="fp32", cache_bytes=2**20)
    assert isinstance(engine, Vista3DEngine)
    return engine


def test_an_engine_opened_from_a_file_knows_what_its_model_expects(model_file: Path) -> None:
    engine = opened_from(model_file)
    assert engine.specification == specification()
    assert engine.feature_size == SHAPE.feature_size
    assert engine.options.cache_bytes == 2**20
    assert engine.name == "vista3d"


def test_an_engine_from_a_file_answers_as_one_from_the_network(model_file: Path) -> None:
    volume = cloudy_scan((20, 20, 20))
    masks = [
        {n: whole(edit, volume) for n, edit in engine.open(volume).segment([LIVER, SPLEEN])}
        for engine in (opened_from(model_file), engine_of())
    ]
    for class_id in (LIVER, SPLEEN):
        assert masks[1][class_id].any()
        assert (masks[0][class_id] == masks[1][class_id]).mean() >= 0.999


def test_the_engine_keeps_the_contract(model_file: Path) -> None:
    volume = cloudy_scan((20, 20, 20))
    engine: Engine = engine_of()
    opened: Opened = engine.open(volume)
    answers: list[Edit] = [edit for _, edit in opened.segment([LIVER])]
    answers.append(opened.refine(NEW, (click_at(volume, (9, 9, 9)),), MaskCrop.of(volume.array > 0)))
    for edit in answers:
        assert edit.mask.dtype == np.bool_
        assert all(0 <= part.start <= part.stop <= n for part, n in zip(edit.slices, volume.shape_kji, strict=True))
        assert all(isinstance(start, int) for start in edit.start)
        assert all(seconds >= 0 for seconds in edit.seconds.values())
        assert edit.seconds.keys() >= {"network"}


def test_counts_of_an_edit_are_those_of_its_voxels() -> None:
    volume = cloudy_scan((20, 24, 28))
    base = volume.array > 100
    opened = engine_of().open(volume)
    clicks = (click_at(volume, (9, 9, 9)), click_at(volume, (15, 18, 5), False))
    edit = opened.refine(NEW, clicks, MaskCrop.of(base))
    result = whole(edit, volume, base)
    assert (edit.added, edit.removed) == (int((result & ~base).sum()), int((base & ~result).sum()))
    assert edit.added + edit.removed > 0


def test_only_the_decoder_that_is_needed_is_run() -> None:
    volume, ran, network = cloudy_scan((16, 16, 16)), list[str](), deepcopy(tiny_network())
    encoder = network.image_encoder
    for name, decoder in (("clicks", encoder.up_layers), ("classes", encoder.up_layers_auto)):
        decoder[0]["upsample"].register_forward_hook(lambda *_, name=name: ran.append(name))
    opened = engine_of(TorchBackend(network)).open(volume)
    opened.refine(NEW, (click_at(volume, (8, 8, 8)),))
    assert ran == ["clicks"]
    list(opened.segment([LIVER]))
    assert ran == ["clicks", "classes"]


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_the_type_of_the_voxels_does_not_matter(kind: str) -> None:
    reference = cloudy_scan((18, 18, 18))
    grey = np.clip(reference.array, -900, 1000) if kind[0] != "u" else np.clip(reference.array // 8 + 100, 0, 250)
    plain, other = (Volume(grey.astype(dtype), reference.ijk_to_ras) for dtype in ("float64", kind))
    masks = [whole(next(iter(engine_of().open(v).segment([LIVER])))[1], v) for v in (plain, other)]
    np.testing.assert_array_equal(masks[0], masks[1])


def test_voxels_that_are_not_contiguous_in_memory_are_read_right() -> None:
    volume = cloudy_scan((18, 20, 22))
    turned = Volume(np.asfortranarray(volume.array), volume.ijk_to_ras)
    assert not turned.array.flags.c_contiguous
    assert turned.content_key == volume.content_key
    labels = [engine_of().open(v).grid_labels([LIVER, SPLEEN]) for v in (volume, turned)]
    np.testing.assert_array_equal(labels[0], labels[1])


def test_a_half_precision_network_agrees_with_the_full_one() -> None:
    volume = cloudy_scan((20, 20, 20))
    labels = [
        engine_of(TorchBackend(deepcopy(tiny_network()), "cpu", precision)).open(volume).grid_labels([LIVER, SPLEEN])
        for precision in ("fp32", "bf16")
    ]
    assert (labels[0] == labels[1]).mean() > 0.95


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"name": "nnunet"}, "no engine called nnunet"),
        ({"device": "tpu"}, "no device tpu"),
        ({"device": "cpu", "precision": "fp16"}, "do not compute in fp16"),
        ({"device": "cpu", "precision": "fp8"}, "no precision called fp8"),
    ],
)
def test_what_cannot_be_opened_is_said(model_file: Path, how: dict[str, str], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        open_engine(**({"weights": model_file} | how))  # type: ignore[arg-type]


def test_a_model_that_does_not_say_what_it_expects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent.pt"
    torch.save(tiny_network().state_dict(), path)
    with pytest.raises(ModelError, match="does not say what it expects"):
        open_engine(weights=path, device="cpu", precision="fp32")


def test_naming_the_engines_does_not_load_torch() -> None:
    code = "import sys, VISTA3DSegmentLib.engines as e; print(bool({'torch', 'monai'} & set(sys.modules)))"
    package = str(Path(sys.modules["VISTA3DSegmentLib"].__path__[0]).parent)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": package}
    )
    assert run.stdout.strip() == "False"
