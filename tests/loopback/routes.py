"""Qdrant's REST API, as far as ``qdrant_client`` is made to call it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from qdrant_client import models
from qdrant_client.http import models as rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.loopback.store import Store

VERSION = "1.20.0"


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def answer(store: Store, method: str, path: str, body: bytes) -> Any:
    """The ``result`` of a request.

    Raises:
        Refused: The server would refuse it.
    """
    for verb, pattern, handle in _ROUTES:
        match = pattern.fullmatch(path)
        if verb == method and match:
            return _apply(store, handle, match.groupdict().get("name", ""), body)
    raise Refused(404, f"Not found: {method} {path}")


def _apply(store: Store, handle: _Handler, name: str, body: bytes) -> Any:
    with store.lock:
        try:
            return handle(store, name, body)
        except KeyError as error:
            raise Refused(404, f"Not found: No point with id {error} found") from error
        except ValueError as error:
            text = str(error)
            if re.search(r"Collection \S+ not found", text):
                raise Refused(404, f"Not found: Collection `{name}` doesn't exist!") from error
            status = 409 if "already exists" in text else 400
            raise Refused(status, f"Wrong input: {text}") from error


def _parse(kind: Any, body: bytes) -> Any:
    return TypeAdapter(kind).validate_json(body)


def _list_collections(store: Store, _name: str, _body: bytes) -> Any:
    return store.local.get_collections()


def _exists(store: Store, name: str, _body: bytes) -> Any:
    return rest.CollectionExistence(exists=store.local.collection_exists(name))


def _get_collection(store: Store, name: str, _body: bytes) -> Any:
    info = store.local.get_collection(name)
    indexes = store.indexes.get(store.to_own_name(name), {})
    return info.model_copy(update={"payload_schema": dict(indexes)})


def _create_collection(store: Store, name: str, body: bytes) -> bool:
    request = _parse(rest.CreateCollection, body)
    if name in store.local.aliases:
        raise Refused(400, f"Wrong input: Can't create collection: alias {name} already exists")
    done = store.local.create_collection(
        name,
        vectors_config=request.vectors,
        sparse_vectors_config=request.sparse_vectors,
        metadata=request.metadata,
    )
    store.count("create_collection", name)
    return done


def _update_collection(store: Store, name: str, body: bytes) -> bool:
    request = _parse(rest.UpdateCollection, body)
    done = store.local.update_collection(name, metadata=request.metadata)
    store.count("metadata", name)
    return done


def _delete_collection(store: Store, name: str, _body: bytes) -> bool:
    if name not in store.local.collections:
        return False
    done = store.local.delete_collection(name)
    store.indexes.pop(name, None)
    store.count("delete_collection", name)
    return done


def _list_aliases(store: Store, _name: str, _body: bytes) -> Any:
    return store.local.get_aliases()


def _collection_aliases(store: Store, name: str, _body: bytes) -> Any:
    return store.local.get_collection_aliases(name)


def _change_aliases(store: Store, _name: str, body: bytes) -> bool:
    request = _parse(rest.ChangeAliasesOperation, body)
    done = store.local.update_collection_aliases(request.actions)
    store.count("aliases", "")
    return done


def _create_index(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.CreateFieldIndex, body)
    store.local.get_collection(name)
    # Kept to be told of: a scan needs none.
    schema = request.field_schema
    is_plain = isinstance(schema, str)
    index = models.PayloadIndexInfo(
        data_type=schema if is_plain else schema.type.value,
        params=None if is_plain else schema,
        points=0,
    )
    store.indexes.setdefault(store.to_own_name(name), {})[request.field_name] = index
    store.count("index", name)
    return _done()


def _upsert(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.PointInsertOperations, body)
    is_list = isinstance(request, rest.PointsList)
    store.local.upsert(
        name,
        request.points if is_list else request.batch,
        update_filter=request.update_filter,
        update_mode=request.update_mode,
    )
    store.count("upsert", name)
    store.points += len(request.points if is_list else request.batch.ids)
    return _done()


def _delete(store: Store, name: str, body: bytes) -> Any:
    store.local.delete(name, _parse(rest.PointsSelector, body))
    store.count("delete", name)
    return _done()


def _set_payload(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.SetPayload, body)
    chosen = request.filter if request.points is None else request.points
    store.local.set_payload(name, request.payload, chosen, key=request.key)
    store.count("set_payload", name)
    return _done()


def _update_vectors(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.UpdateVectors, body)
    store.local.update_vectors(name, request.points)
    store.count("update_vectors", name)
    return _done()


def _retrieve(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.PointRequest, body)
    payload = True if request.with_payload is None else request.with_payload
    return store.local.retrieve(name, request.ids, payload, request.with_vector or False)


def _scroll(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.ScrollRequest, body)
    payload = True if request.with_payload is None else request.with_payload
    records, following = store.local.scroll(
        name,
        request.filter,
        limit=request.limit or 10,
        order_by=request.order_by,
        offset=request.offset,
        with_payload=payload,
        with_vectors=request.with_vector or False,
    )
    return rest.ScrollResult(points=records, next_page_offset=following)


def _count(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.CountRequest, body)
    return store.local.count(name, request.filter)


def _query(store: Store, name: str, body: bytes) -> Any:
    return _nearest(store, name, _parse(rest.QueryRequest, body))


def _query_batch(store: Store, name: str, body: bytes) -> Any:
    batch = _parse(rest.QueryRequestBatch, body)
    return [_nearest(store, name, request) for request in batch.searches]


def _nearest(store: Store, name: str, request: rest.QueryRequest) -> Any:
    query: Any = request.query  # the client has made it what the reference understands
    return store.local.query_points(
        name,
        query,
        query_filter=request.filter,
        limit=10 if request.limit is None else request.limit,
        offset=request.offset,
        with_payload=request.with_payload or False,
        with_vectors=request.with_vector or False,
        score_threshold=request.score_threshold,
        using=request.using,
    )


def _query_groups(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.QueryGroupsRequest, body)
    return store.local.query_points_groups(
        name,
        request.group_by,
        request.query,
        query_filter=request.filter,
        limit=10 if request.limit is None else request.limit,
        group_size=3 if request.group_size is None else request.group_size,
        with_payload=request.with_payload or False,
        with_vectors=request.with_vector or False,
        score_threshold=request.score_threshold,
    )


def _facet(store: Store, name: str, body: bytes) -> Any:
    request = _parse(rest.FacetRequest, body)
    return store.local.facet(name, request.key, request.filter, request.limit or 10)


def _done() -> Any:
    return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


if TYPE_CHECKING:
    _Handler = Callable[[Store, str, bytes], Any]

_NAME = "/collections/(?P<name>[^/]+)"
_ROUTES: list[tuple[str, re.Pattern[str], _Handler]] = [
    (verb, re.compile(pattern), handle)
    for verb, pattern, handle in (
        ("GET", "/collections", _list_collections),
        ("GET", f"{_NAME}/exists", _exists),
        ("GET", "/aliases", _list_aliases),
        ("GET", f"{_NAME}/aliases", _collection_aliases),
        ("POST", "/collections/aliases", _change_aliases),
        ("GET", _NAME, _get_collection),
        ("PUT", _NAME, _create_collection),
        ("PATCH", _NAME, _update_collection),
        ("DELETE", _NAME, _delete_collection),
        ("PUT", f"{_NAME}/index", _create_index),
        ("PUT", f"{_NAME}/points", _upsert),
        ("POST", f"{_NAME}/points", _retrieve),
        ("POST", f"{_NAME}/points/delete", _delete),
        ("PUT", f"{_NAME}/points/vectors", _update_vectors),
        ("POST", f"{_NAME}/points/payload", _set_payload),
        ("POST", f"{_NAME}/points/scroll", _scroll),
        ("POST", f"{_NAME}/points/count", _count),
        ("POST", f"{_NAME}/facet", _facet),
        ("POST", f"{_NAME}/points/query", _query),
        ("POST", f"{_NAME}/points/query/batch", _query_batch),
        ("POST", f"{_NAME}/points/query/groups", _query_groups),
    )
]
