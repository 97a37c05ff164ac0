"""What runs a tower: one file a runtime, each behind the one protocol of :mod:`.tower`.

torch's own runtime lies with the models that need it, in
:mod:`ingest.encoders.transformer.torch_tower`. This package imports nothing itself.
"""
