"""Upstream's own Decoder, Vocos and DVAE with the weights of a model's folder: the oracle of the vocoder."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from chatttsd.engine.chattts.upstream import import_chat
from chatttsd.models.layout import DECODER, DVAE, VOCOS


class UpstreamVocoder:
    """Decodes as `Chat._decode_to_wavs` does: hidden states through the Decoder and Vocos."""

    def __init__(self, directory: Path) -> None:
        import_chat()
        from ChatTTS.config import Config
        from ChatTTS.model.dvae import DVAE as UpstreamDvae  # noqa: N811 - DVAE is the file here
        from vocos import Vocos
        from vocos.pretrained import instantiate_class

        config = Config()
        self._decoder: Any = UpstreamDvae(asdict(config.decoder), dim=config.decoder.idim).eval()
        self._decoder.load_state_dict(load_file(directory / DECODER))
        parts = (config.vocos.feature_extractor, config.vocos.backbone, config.vocos.head)
        self._vocos: Any = Vocos(*(instantiate_class((), asdict(part)) for part in parts)).eval()
        self._vocos.load_state_dict(load_file(directory / VOCOS))

    @torch.inference_mode()
    def decode(self, hidden: torch.Tensor) -> NDArray[np.float32]:
        """Return the samples of hidden states [n, 768]."""
        samples: NDArray[np.float32] = self._vocos.decode(self._decoder(hidden.t()[None])).numpy()[0]
        return samples


def upstream_codes(directory: Path, samples: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the codes [tokens, 4] that upstream's `sample_audio` gives."""
    import_chat()
    from ChatTTS.config import Config
    from ChatTTS.model.dvae import DVAE as UpstreamDvae  # noqa: N811 - DVAE is the file here

    parts = Config().dvae
    dvae: Any = UpstreamDvae(
        asdict(parts.decoder), asdict(parts.encoder), asdict(parts.vq), dim=parts.decoder.idim
    ).eval()
    dvae.load_state_dict(load_file(directory / DVAE))
    codes: NDArray[np.int64] = dvae.sample_audio(samples).t().long().numpy()
    return codes
