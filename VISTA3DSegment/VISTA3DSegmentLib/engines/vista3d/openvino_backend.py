"""The network on a CPU with OpenVINO: several times faster than PyTorch, above all in bfloat16."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, Literal, TypeAlias

import torch

from ..choice import DTYPES, Precision
from ..openvino_settings import import_openvino, settings_for, stored_in
from .backend import Backend
from .channels_last import channels_first
from .point_head import click_tokens

Tensor = torch.Tensor
Part: TypeAlias = Literal["encoder", "classes", "clicks", "click"]
Window: TypeAlias = tuple[int, int, int]


class OpenVinoBackend:
    """The network in OpenVINO. See ``Backend``.

    Four graphs, each compiled when it is first needed for a window shape: the encoder, the two decoders, the point
    head. So no weight is packed twice, whichever heads are asked for. OpenVINO reads and writes torch's own memory.
    In bfloat16 the weights are copied (436 MB for the full network, of 871) and the network given may be dropped; in
    float32 they are shared with it.

    Args:
        network: MONAI's ``VISTA3D`` in evaluation mode, on the CPU, in float32.
        precision: "fp32" or "bf16".
        threads: of the processor; None: as many as torch uses now.
        encoder: encodes windows instead of OpenVINO, whose sums over a window are less exact.

    Raises:
        ModelError: OpenVINO is not installed, or does not compute in that precision.
    """

    def __init__(
        self,
        network: Any,
        precision: Precision = "fp32",
        threads: int | None = None,
        encoder: Backend | None = None,
    ) -> None:
        openvino = import_openvino()
        from .. import openvino_layers
        from . import openvino_graphs

        self._graphs, self._shared = openvino_graphs, openvino_layers.shared
        self.device = torch.device("cpu")
        self.description = f"OpenVINO {openvino.__version__.split('-')[0]}, CPU, {precision}"
        self._exact = encoder
        if encoder is not None:
            self.description = f"{encoder.description}; clicks: {self.description}"
        self._core = openvino.Core()
        self._dtype = DTYPES[precision]
        self._settings = settings_for(precision, threads)
        self._encoder: Any = stored_in(self._dtype, network.image_encoder)
        self._class_head, self._point_head = network.class_head, network.point_head
        self._requests: dict[tuple[Part, Window], Any] = {}
        self._encoding, self._clicking = Lock(), Lock()

    @torch.inference_mode()
    def encode(self, images: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        """See ``Backend``. In memory the click features have the channels last."""
        if self._exact is not None:
            return self._exact.encode(images, classes, clicks)
        answers = [self._encode(image[None], classes, clicks) for image in images]
        features = [features for features, _ in answers if features is not None]
        low = [low for _, low in answers if low is not None]
        return _together(features) if classes else None, _together(low) if clicks else None

    def _encode(self, image: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        window = _window(image.shape[2:])
        with self._encoding:
            skips = self._run("encoder", window, [image.float().contiguous()])
            features = channels_first(self._run("classes", window, skips)[0]) if classes else None
            low = self._run("clicks", window, skips)[0].permute(0, 4, 1, 2, 3) if clicks else None
        return features, low

    def _run(self, part: Part, window: Window, inputs: Sequence[Tensor]) -> list[Tensor]:
        request = self._request(part, window)
        shapes = [tuple(output.shape) for output in request.model_outputs]
        # New memory each time, for the caller keeps it.
        outputs = [torch.empty(shape, dtype=torch.float32 if part == "click" else self._dtype) for shape in shapes]
        for index, tensor in enumerate(inputs):
            request.set_input_tensor(index, self._shared(tensor))
        for index, tensor in enumerate(outputs):
            request.set_output_tensor(index, self._shared(tensor))
        request.infer()
        if part != "click":
            # Else the memory of all parts would add up: 3.8 GB in float32 instead of 1.5.
            request.get_compiled_model().release_memory()
        return outputs

    @torch.inference_mode()
    def class_vectors(self, ids: Sequence[int]) -> Tensor:
        """See ``Backend``."""
        head = self._class_head
        vectors: Tensor = head.class_embeddings(torch.tensor(list(ids))[:, None])
        if head.use_mlp:
            vectors = head.mlp(vectors)
        return vectors[:, 0]

    @torch.inference_mode()
    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """See ``Backend``."""
        window = _window([2 * side for side in low.shape[2:]])
        tokens = click_tokens(self._point_head, window, points[None], labels[None], torch.tensor([zero_shot]))[0]
        features = low.to(self.device, self._dtype).permute(0, 2, 3, 4, 1).contiguous()
        with self._clicking:
            return self._run("click", window, [features, tokens])[0]

    def _request(self, part: Part, window: Window) -> Any:
        key = (part, window)
        if key not in self._requests:
            compiled = self._core.compile_model(self._graph(part, window), "CPU", self._settings)
            self._requests[key] = compiled.create_infer_request()
        return self._requests[key]

    def _graph(self, part: Part, window: Window) -> Any:
        encoder, graphs = self._encoder, self._graphs
        if part == "encoder":
            return graphs.encoder_graph(encoder.encoder, window, self._dtype)
        if part == "click":
            return graphs.click_graph(self._point_head, [side // 2 for side in window], self._dtype)
        skips = [tuple(output.shape) for output in self._request("encoder", window).model_outputs]
        if part == "classes":
            return graphs.decoder_graph(encoder.up_layers_auto, self._class_head.image_post_mapping, skips, self._dtype)
        return graphs.decoder_graph(encoder.up_layers, self._point_head.feat_downsample, skips, self._dtype)


def _window(shape: Sequence[int]) -> Window:
    return shape[0], shape[1], shape[2]


def _together(tensors: Sequence[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
