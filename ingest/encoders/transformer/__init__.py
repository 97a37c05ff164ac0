"""The adapter for sentence-transformers models that encode images, texts or both.

CLIP, SigLIP, SigLIP 2 and their kin, from a local folder or a pinned commit of the Hugging Face
hub. :class:`~ingest.encoders.transformer.encoder.TransformerEncoder` is the way in; it needs the
extra ``diptych[models]``. This package imports nothing itself.
"""
