"""The one settings object: flags > environment > ``diptych.toml`` > defaults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnparsedSettings

from schemas.errors import SettingsError
from schemas.serve_settings import ServeSettings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SETTINGS_FILE = Path("diptych.toml")
"""Read from the working directory, if it is there."""


class RootSettings(BaseModel):
    """One root of a collection: ``[[roots]]`` in ``diptych.toml``.

    Attributes:
        source: A folder, table, shards, saved dataset or bucket; see ``ingest.sources.open``.
        name: Its name in every source URI; without it the source's own.
        include: Patterns as in ``.gitignore``; when there are any, only files that match.
        exclude: Patterns of files and folders that are passed over.
        hidden: Whether names that begin with a dot are listed.
        columns: Role -> column name of a table.
        base: The folder that a table's paths are relative to.
        split: Of a saved dataset that has several.
        allow_hosts: Hosts that URLs in a table may be fetched from.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1)
    name: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    columns: dict[str, str] = Field(default_factory=dict)
    base: str | None = None
    split: str | None = None
    allow_hosts: tuple[str, ...] = ()


class Settings(BaseSettings):
    """How Diptych runs. Environment variables are the field names with ``DIPTYCH_`` in front.

    Attributes:
        url: The index: ``http(s)://host:port`` for a Qdrant server, a path for an embedded
            index, ``:memory:`` for a throw-away one.
        api_key: The server's API key.
        timeout_seconds: Of one request to a server.
        prefer_grpc: Whether to speak gRPC to a server, which is quicker than REST.
        grpc_port: Where the server speaks it.
        collection: Name (alias) of the collection.
        model: Model id: the offline default, a folder, or a Hugging Face id.
        revision: Exact revision of a Hugging Face model; without it the catalogue's.
        top_k: Hits in an answer.
        refresh_seconds: How long a searcher takes it for granted that the collection's name means
            the same generation; 0 looks at every query.
        backend: What runs the model: ``torch``, ``onnx`` or ``openvino``; without it the model's
            usual one.
        dtype: Arithmetic of the model: ``float32``, ``bfloat16``, ``float16`` or ``int8``;
            without it what suits the hardware.
        workers: Threads that encode; 0 is one a core on a CPU, one on a GPU.
        decode_workers: Decoding at once; 0 is one a core.
        read_workers: Items read at once; 0 is 2, or 16 where a network lies between.
        isolate: Whether items are decoded in worker processes, so that one which crashes or
            hangs its decoder costs only itself.
        decode_timeout_seconds: Longest time for one item in such a process.
        batch_size: Items encoded in one call, at most; 0 leaves it to the encoder: 16
            images or 32 texts on a CPU, as many as the memory takes on a GPU.
        chunk_overlap_tokens: Tokens that neighbouring chunks of a document share.
        max_source_bytes: A larger file is a failure, not read.
        max_image_pixels: A larger image is a failure, not decoded.
        frames: Images taken of an animation or a multi-page image, evenly spaced.
        figures: Whether images in documents are indexed.
        ocr: Whether words in images are read (extra ``ocr``).
        columns: Role -> column name of tables, see :mod:`ingest.sources.columns`.
        allow_hosts: Hosts that URLs in tables may be fetched from.
        storage_options: Handed to the file system of a remote source.
        roots: What ``sync`` keeps a collection equal to, each a table of its own; without any, the
            roots that the collection has been filled from.
        state_dir: Where ledgers, locks and dead letters lie, on a local disk; without it inside an
            embedded index, and for a server in the user's state folder.
        max_delete_share: A run that would remove a larger share of a root's items removes none.
        lease_seconds: On a server: a run that has not been heard of for so long is dead.
        serve: Of ``diptych serve``.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="DIPTYCH_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    url: str = Field("diptych-index", min_length=1)
    api_key: SecretStr | None = None
    timeout_seconds: float = Field(30.0, gt=0)
    prefer_grpc: bool = True
    grpc_port: int = Field(6334, ge=1, le=65535)
    collection: str = Field("diptych", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=200)
    model: str = Field("hinge-en-2", min_length=1)
    revision: str | None = None
    top_k: int = Field(10, ge=1, le=10_000)
    refresh_seconds: float = Field(10.0, ge=0)
    backend: Literal["torch", "onnx", "openvino"] | None = None
    dtype: Literal["float32", "bfloat16", "float16", "int8"] | None = None
    workers: int = Field(0, ge=0, le=256)
    decode_workers: int = Field(0, ge=0, le=256)
    read_workers: int = Field(0, ge=0, le=256)
    isolate: bool = True
    decode_timeout_seconds: float = Field(60.0, gt=0)
    batch_size: int = Field(0, ge=0, le=4096)
    chunk_overlap_tokens: int = Field(32, ge=0)
    max_source_bytes: int = Field(50_000_000, ge=1)
    max_image_pixels: int = Field(50_000_000, ge=1)
    frames: int = Field(1, ge=1, le=1_000)
    figures: bool = True
    ocr: bool = False
    columns: dict[str, str] = Field(default_factory=dict)
    allow_hosts: tuple[str, ...] = ()
    storage_options: dict[str, Any] = Field(default_factory=dict, repr=False)
    roots: tuple[RootSettings, ...] = ()
    state_dir: Path | None = None
    max_delete_share: float = Field(0.1, ge=0, le=1)
    lease_seconds: float = Field(60.0, ge=1)
    serve: ServeSettings = Field(default_factory=ServeSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First source that knows a field wins."""
        return (init_settings, env_settings, _toml_source(settings_cls))


def load_settings(**flags: object) -> Settings:
    """Settings from flags, environment, ``diptych.toml`` and defaults, in that order.

    Args:
        flags: Field values from a command line; None means "not given".

    Raises:
        SettingsError: A value is malformed or a name unknown; the message names each.
    """
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_describe(error)) from None
    except UnparsedSettings as error:
        # Without the value, which may hold keys.
        field = str(error).partition('"')[2].partition('"')[0]
        raise SettingsError(
            f"settings: {Settings.model_config['env_prefix']}{field.upper()}: is no JSON; write a "
            'list as ["one", "two"] and a table as {"name": "value"}'
        ) from None


def _toml_source(settings_cls: type[BaseSettings]) -> TomlConfigSettingsSource:
    """The settings file as a source; a file that is not TOML is a settings error."""
    try:
        return TomlConfigSettingsSource(settings_cls, toml_file=SETTINGS_FILE)
    except (OSError, ValueError) as error:
        msg = f"{SETTINGS_FILE}: cannot be read as TOML ({error}); mend or remove it"
        raise SettingsError(msg) from None


def _describe(error: ValidationError) -> str:
    """One line a wrong field: its name, what was given, what is allowed."""
    lines = [
        f"{'.'.join(map(str, issue['loc']))}: {issue['msg']} (given: {_shown(issue)})"
        for issue in error.errors()
    ]
    return "settings: " + "; ".join(lines)


def _shown(issue: ErrorDetails) -> str:
    """The offending value, except a secret's."""
    loc = issue["loc"]
    is_secret = not {"api_key", "storage_options", "tokens"}.isdisjoint(loc)
    # What stands where none of ours does may be a token under a name that was mistyped.
    is_secret |= loc[:1] == ("serve",) and (len(loc) == 1 or issue["type"] == "extra_forbidden")
    return "a secret" if is_secret else repr(issue["input"])
