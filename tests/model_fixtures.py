"""Random CLIP, SigLIP and MiniLM models of a few thousand weights, saved as real ones are.

They are loaded through ``SentenceTransformer(folder)`` like any model from a hub, so what holds
for them holds for the loading path; their vectors mean nothing. Needs torch and
sentence-transformers.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = [
    "a photograph of a red bicycle leaning against an old brick wall in the rain",
    "two dogs run along the beach while the waves break behind them",
    "mix the flour and the butter, then add three eggs and a pinch of salt",
    "the church tower rises above the roofs of the small town in the valley",
]
IMAGE_SIDE_PIXELS = 32
CLIP_MAX_TOKENS = 24
SIGLIP_MAX_TOKENS = 16
MINILM_MAX_TOKENS = 32
_SEED = 20240229


def save_clip(folder: Path) -> Path:
    """A CLIP whose text window is ``CLIP_MAX_TOKENS`` with its two special tokens."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    vocabulary, merges = _clip_vocabulary()
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CLIP_MAX_TOKENS)
    torch.manual_seed(_SEED)
    config = CLIPConfig(
        text_config={
            **_tower(),
            "vocab_size": len(vocabulary),
            "max_position_embeddings": CLIP_MAX_TOKENS,
            "bos_token_id": vocabulary["<|startoftext|>"],
            "eos_token_id": vocabulary["<|endoftext|>"],
            "pad_token_id": vocabulary["<|endoftext|>"],
        },
        vision_config={**_tower(), "image_size": IMAGE_SIDE_PIXELS, "patch_size": 8},
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(folder)
    images = CLIPImageProcessor(
        size={"shortest_edge": IMAGE_SIDE_PIXELS},
        crop_size={"height": IMAGE_SIDE_PIXELS, "width": IMAGE_SIDE_PIXELS},
    )
    _save_processor(CLIPProcessor, folder, images, tokenizer)
    return folder


def save_siglip(folder: Path) -> Path:
    """A SigLIP with SigLIP 2's kind of tokenizer; texts must be padded to ``SIGLIP_MAX_TOKENS``."""
    from transformers import Siglip2Tokenizer

    vocabulary, merges = _siglip_vocabulary()
    tokenizer = Siglip2Tokenizer(vocab=vocabulary, merges=merges)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", tokenizer.eos_token_id)]
    )
    return _save_siglip_towers(folder, tokenizer)


def save_siglip_with_sentencepiece(folder: Path) -> Path:
    """A SigLIP with the first SigLIP's slow tokenizer; needs sentencepiece and protobuf."""
    from sentencepiece import SentencePieceTrainer
    from transformers import SiglipTokenizer

    pieces = BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=pieces,
        vocab_size=90,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    folder.mkdir()
    (folder / "spiece.model").write_bytes(pieces.getvalue())
    tokenizer = SiglipTokenizer(
        vocab_file=str(folder / "spiece.model"), model_max_length=SIGLIP_MAX_TOKENS
    )
    return _save_siglip_towers(folder, tokenizer)


def save_minilm(folder: Path) -> Path:
    """A sentence-transformers folder: BERT, mean pooling and normalisation; texts only."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel, BertTokenizer

    vocabulary = _wordpiece_vocabulary()
    bert = folder / "bert"
    BertTokenizer(vocab=vocabulary, model_max_length=MINILM_MAX_TOKENS).save_pretrained(bert)
    torch.manual_seed(_SEED)
    config = BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=MINILM_MAX_TOKENS, **_tower()
    )
    BertModel(config).save_pretrained(bert)
    transformer = Transformer(str(bert))
    saved = folder / "model"
    SentenceTransformer(
        modules=[transformer, Pooling(_tower()["hidden_size"], "mean"), Normalize()], device="cpu"
    ).save(str(saved), create_model_card=False)
    return saved


def save_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A BERT that scores pairs, saved by sentence-transformers."""
    from sentence_transformers import CrossEncoder
    from transformers import BertForSequenceClassification

    bert = folder / "bert"
    config = _save_bert_tokenizer(bert)
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(bert)
    saved = folder / "cross-encoder"
    CrossEncoder(str(bert), device="cpu").save_pretrained(str(saved), create_model_card=False)
    return saved


def save_multi_vector(folder: Path) -> Path:
    """A BERT whose tokens have vectors, saved by sentence-transformers."""
    from sentence_transformers import MultiVectorEncoder
    from transformers import BertModel

    bert = folder / "bert"
    BertModel(_save_bert_tokenizer(bert)).save_pretrained(bert)
    saved = folder / "multi-vector"
    model = MultiVectorEncoder(str(bert), device="cpu")
    model.save_pretrained(str(saved), create_model_card=False)
    return saved


def _save_bert_tokenizer(folder: Path) -> Any:
    """The tokenizer of a small BERT, and the configuration of one with the same weights always."""
    import torch
    from transformers import BertConfig, BertTokenizer

    vocabulary = _wordpiece_vocabulary()
    BertTokenizer(vocab=vocabulary, model_max_length=MINILM_MAX_TOKENS).save_pretrained(folder)
    torch.manual_seed(_SEED)
    return BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=MINILM_MAX_TOKENS, **_tower()
    )


def _save_siglip_towers(folder: Path, tokenizer: Any) -> Path:
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipProcessor

    torch.manual_seed(_SEED)
    config = SiglipConfig(
        text_config={
            **_tower(),
            "vocab_size": len(tokenizer),
            "max_position_embeddings": SIGLIP_MAX_TOKENS,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.eos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={**_tower(), "image_size": IMAGE_SIDE_PIXELS, "patch_size": 8},
    )
    SiglipModel(config).save_pretrained(folder)
    images = SiglipImageProcessor(size={"height": IMAGE_SIDE_PIXELS, "width": IMAGE_SIDE_PIXELS})
    _save_processor(SiglipProcessor, folder, images, tokenizer)
    return folder


def _save_processor(kind: Any, folder: Path, images: object, tokenizer: object) -> None:
    kind(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)


def _tower() -> dict[str, Any]:
    return {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }


def _clip_vocabulary() -> tuple[dict[str, int], list[Any]]:
    special = ["<|startoftext|>", "<|endoftext|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    # A byte that ends a word is another token. Unless they are named, those of the corpus alone
    # are known, in another order in each process, and equally frequent pairs are merged in theirs.
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=special + [f"{letter}</w>" for letter in alphabet],
        end_of_word_suffix="</w>",
        show_progress=False,
        initial_alphabet=alphabet,
    )
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return _bpe_parts(tokenizer)


def _siglip_vocabulary() -> tuple[dict[str, int], list[Any]]:
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token=special[3], byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=[*special, *byte_tokens], show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return _bpe_parts(tokenizer)


def _bpe_parts(tokenizer: Tokenizer) -> tuple[dict[str, int], list[Any]]:
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _wordpiece_vocabulary() -> dict[str, int]:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token=special[1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # Named for the same reason as CLIP's.
    special += [f"##{letter}" for letter in sorted(set("".join(CORPUS)) - set(" ,"))]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer.get_vocab()
