"""SegVol on a CPU with OpenVINO: the encoder about twice as fast as PyTorch's, more in bfloat16."""

from __future__ import annotations

from threading import Lock
from typing import Any

import torch

from ..choice import DTYPES, Precision
from ..openvino_settings import import_openvino, settings_for, stored_in
from .backend import WindowPrompts
from .network import SegVolNetwork

Tensor = torch.Tensor


class OpenVinoBackend:
    """The network in OpenVINO. See ``Backend``.

    Two graphs, each compiled when it is first needed: the image encoder, and the mask decoder, which takes any number
    of tokens. What makes tokens of prompts is small and stays in PyTorch.

    Args:
        network: in evaluation mode, on the CPU, in float32.
        precision: "fp32" or "bf16".
        threads: of the processor; None: as many as torch uses now.

    Raises:
        ModelError: OpenVINO is not installed, or does not compute in that precision.
    """

    def __init__(self, network: SegVolNetwork, precision: Precision = "fp32", threads: int | None = None) -> None:
        openvino = import_openvino()
        from .. import openvino_layers
        from . import openvino_graphs

        self._graphs, self._shared = openvino_graphs, openvino_layers.shared
        self._settings = settings_for(precision, threads)
        self.description = f"OpenVINO {openvino.__version__.split('-')[0]}, CPU, {precision}"
        self._core = openvino.Core()
        self._prompt_encoder, self._decoder = network.prompt_encoder, network.mask_decoder
        self._encoder: Any = stored_in(DTYPES[precision], network.image_encoder)
        self._grid, self._width = network.grid, network.width
        self._window = network.window
        self._requests: dict[str, Any] = {}
        self._running = Lock()

    @torch.inference_mode()
    def encode(self, image: Tensor) -> Tensor:
        """See ``Backend``."""
        with self._running:
            return self._run("encoder", [image[None].float().contiguous()], (1, self._width, *self._grid))

    @torch.inference_mode()
    def decode(self, embedding: Tensor, prompts: WindowPrompts) -> Tensor:
        """See ``Backend``."""
        points, labels, box, text = prompts.batched()
        tokens = self._decoder.tokens(self._prompt_encoder(points, labels, box, text))[0]
        said = self._decoder.said(text)
        with self._running:
            inputs = [embedding.float().contiguous(), tokens.contiguous(), said.contiguous()]
            return self._run("decoder", inputs, tuple(4 * n for n in self._grid))

    def _run(self, part: str, inputs: list[Tensor], shape: tuple[int, ...]) -> Tensor:
        request = self._request(part)
        output = torch.empty(shape)  # new each time, for the caller keeps it
        for index, tensor in enumerate(inputs):
            request.set_input_tensor(index, self._shared(tensor))
        request.set_output_tensor(0, self._shared(output))
        request.infer()
        return output

    def _request(self, part: str) -> Any:
        if part not in self._requests:
            if part == "encoder":
                graph = self._graphs.encoder_graph(self._encoder, self._window, self._grid)
            else:
                graph = self._graphs.decoder_graph(self._decoder, self._prompt_encoder, self._grid, self._width)
            self._requests[part] = self._core.compile_model(graph, "CPU", self._settings).create_infer_request()
        return self._requests[part]
