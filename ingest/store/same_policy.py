"""Whether a generation's points are those that a run with certain settings would make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.fingerprint import PLAIN_TEXT
from schemas.records import Part

if TYPE_CHECKING:
    from qdrant_client import models

    from ingest.fingerprint import Fingerprints
    from ingest.store.engine import Engine


def is_made_with(engine: Engine, collection_name: str, fingerprints: Fingerprints) -> bool:
    """Whether every point of a collection was made in this space and with this policy.

    The points tell, not what was once noted of the collection: a run whose settings named another
    policy has encoded items anew, in place. Points that the policy does not touch count for it.

    Args:
        engine: Where the collection is; an embedded index loads its points.
        collection_name: Its own name.
        fingerprints: Of the space and the policy.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    return engine.count(collection_name, _to_others(fingerprints)).count == 0


def _to_others(fingerprints: Fingerprints) -> models.Filter:
    """Matches points that are not of this space and policy.

    A text's fingerprint alone does not tell: where figures are wanted, it says of a document that
    it was made without them.
    """
    from qdrant_client import models

    def equal(key: str, value: str) -> models.FieldCondition:
        return models.FieldCondition(key=key, match=models.MatchValue(value=value))

    of_text, figured = fingerprints.of_text, fingerprints.of_document
    by_text = equal("fingerprint", of_text)
    own: list[models.Condition] = [
        equal("fingerprint", one) for one in sorted(fingerprints.every - {of_text, figured})
    ]
    if fingerprints.policy.figures:
        plain, caption = equal("media_type", PLAIN_TEXT), equal("part", str(Part.CAPTION))
        own.append(equal("fingerprint", figured))
        own += [models.Filter(must=[by_text, one]) for one in (plain, caption)]
    else:
        own.append(by_text)
    return models.Filter(must_not=own)
