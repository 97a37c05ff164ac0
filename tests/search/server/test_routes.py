"""Every route answers what the Python API answers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from search.server.item_routes import to_disposition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.search.server.conftest import Served


def _names(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [hit["source_uri"].rpartition("/")[2] for hit in page["hits"]]


def _read(path: Path) -> bytes:
    return path.read_bytes()


def test_words_find_images(served: Served) -> None:
    page = served.client.post("/v1/search", json={"text": "green", "target": "image", "top_k": 2})
    assert page.status_code == 200
    assert _names(page.json()) == ["green.png", "yellow.png"]
    assert page.json()["hits"][0]["score"] == pytest.approx(1)


def test_an_address_and_json_say_the_same(served: Served) -> None:
    words: dict[str, Any] = {"target": "image", "top_k": 3, "where": "media_type = image/png"}
    by_json = served.client.post("/v1/search", json={"text": "blue", **words}).json()
    by_address = served.client.get("/v1/search", params={"q": "blue", **words}).json()
    assert by_address["hits"] == by_json["hits"]
    assert by_address["next_cursor"] == by_json["next_cursor"]


def test_a_cursor_goes_on(served: Served) -> None:
    asked: dict[str, Any] = {"text": "red", "target": "image", "top_k": 2}
    first = served.client.post("/v1/search", json=asked).json()
    asked["cursor"] = first["next_cursor"]
    second = served.client.post("/v1/search", json=asked).json()
    del asked["cursor"]
    whole = served.client.post("/v1/search", json={**asked, "top_k": 4}).json()
    assert _names(first) + _names(second) == _names(whole)


def test_an_image_in_json_and_one_in_a_form_find_the_same(served: Served, things: Path) -> None:
    content = _read(things / "blue.png")
    options = {"target": "image", "top_k": 2}
    encoded = base64.b64encode(content).decode()
    by_json = served.client.post("/v1/search", json={"image": encoded, **options}).json()
    by_form = served.client.post(
        "/v1/search/upload",
        files={"image": ("blue.png", content)},
        data={"request": json.dumps(options)},
    ).json()
    assert _names(by_json)[0] == "blue.png"
    assert by_form["hits"] == by_json["hits"]


def test_an_upload_is_named_by_an_address(served: Served, things: Path) -> None:
    content = _read(things / "green.png")
    uploaded = served.client.post("/v1/uploads", files={"image": ("x", content)})
    assert uploaded.status_code == 201
    assert (uploaded.json()["width_pixels"], uploaded.json()["height_pixels"]) == (8, 6)
    asked = {"upload": uploaded.json()["id"], "target": "image", "top_k": 1}
    assert _names(served.client.get("/v1/search", params=asked).json()) == ["green.png"]
    picture = served.client.get(f"/v1/uploads/{uploaded.json()['id']}/thumbnail")
    assert picture.headers["content-type"] == "image/webp"
    known = {"If-None-Match": picture.headers["etag"]}
    again = served.client.get(f"/v1/uploads/{uploaded.json()['id']}/thumbnail", headers=known)
    assert again.status_code == 304


def test_an_upload_that_is_gone_is_a_problem(served: Served) -> None:
    gone = served.client.get("/v1/search", params={"upload": "0" * 64})
    assert gone.status_code == 404
    assert gone.json()["title"] == "UploadMissing"


def test_terms_are_weighed(served: Served) -> None:
    terms = [{"text": "yellow"}, {"text": "red", "weight": -0.9}]
    page = served.client.post("/v1/search", json={"terms": terms, "target": "image"}).json()
    assert _names(page)[0] == "green.png"


def test_a_batch_has_a_page_a_query(served: Served) -> None:
    queries = [{"text": "red"}, {"text": "blue"}]
    asked = {"queries": queries, "target": "image", "top_k": 1}
    pages = served.client.post("/v1/search/batch", json=asked).json()["pages"]
    assert [_names(page)[0] for page in pages] == ["red.png", "blue.png"]


def test_feedback_moves_a_query(served: Served) -> None:
    liked = served.point_id("blue", target="image")
    asked = {"text": "green", "liked": [liked], "weights": {"beta": 9}, "target": "text"}
    page = served.client.post("/v1/feedback", json=asked).json()
    assert _names(page)[0] == "sea.txt"


def test_facets_count(served: Served) -> None:
    found = served.client.get("/v1/facets", params={"field": "media_type", "target": "image"})
    values = {one["value"]: one["count"] for one in found.json()["values"]}
    assert values == {"image/png": 4, "image/jpeg": 1}


def test_an_item_says_what_is_known_and_what_belongs_to_it(served: Served) -> None:
    point_id = served.point_id("a red rose", target="text")
    item = served.client.get(f"/v1/items/{point_id}").json()
    assert item["text"] == "a red rose"
    assert item["modality"] == "text"
    assert [one["point_id"] for one in item["parts"]] == [point_id]
    assert item["location"] == item["source_uri"]


def test_more_like_this_leaves_itself_out(served: Served) -> None:
    point_id = served.point_id("red", target="image")
    similar = served.client.get(f"/v1/items/{point_id}/similar", params={"target": "image"})
    assert similar.status_code == 200
    assert len(similar.json()["hits"]) == 4


@pytest.mark.parametrize(
    "name", ["6f1a3a52-0a0e-4f3e-9d0b-3c2f0c6f8a11", "no-point", "..%2f..%2fetc%2fpasswd"]
)
@pytest.mark.parametrize("what", ["", "/similar", "/thumbnail", "/original"])
def test_an_unknown_item_is_a_problem(served: Served, name: str, what: str) -> None:
    answer = served.client.get(f"/v1/items/{name}{what}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_thumbnail_is_kept_by_its_tag(served: Served) -> None:
    where = "media_type = image/jpeg"
    point_id = served.point_id("red", target="image", where=where)
    first = served.client.get(f"/v1/items/{point_id}/thumbnail", params={"side": 128})
    assert first.headers["content-type"] == "image/webp"
    assert first.headers["cache-control"].startswith("private, max-age=")
    import io

    assert Image.open(io.BytesIO(first.content)).size == (128, 96)
    for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
        again = served.client.get(
            f"/v1/items/{point_id}/thumbnail",
            params={"side": 128},
            headers={"If-None-Match": known},
        )
        assert (again.status_code, again.content) == (304, b"")


def test_an_image_is_shown_and_a_page_is_saved(served: Served, things: Path) -> None:
    image = served.client.get(f"/v1/items/{served.point_id('blue', target='image')}/original")
    assert image.content == _read(things / "blue.png")
    assert image.headers["content-type"] == "image/png"
    assert image.headers["content-disposition"].startswith('inline; filename="blue.png"')
    page = served.client.get(f"/v1/items/{served.point_id('green', target='text')}/original")
    assert page.content == _read(things / "page.html")
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith('attachment; filename="page.html"')
    for answer in (image, page):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("a b.png", "a b.png", "a%20b.png"),
        ('x"; filename=evil.html', "x__ filename_evil.html", "x%22%3B%20filename%3Devil.html"),
        ("a\r\nSet-Cookie: a=b", "a__Set-Cookie_ a_b", "a%0D%0ASet-Cookie%3A%20a%3Db"),
        ("Käse 🧀.txt", "K_se _.txt", "K%C3%A4se%20%F0%9F%A7%80.txt"),
        ("../../etc/passwd", ".._.._etc_passwd", "..%2F..%2Fetc%2Fpasswd"),
    ],
)
def test_a_name_stays_a_name_in_a_header(name: str, plain: str, full: str) -> None:
    said = to_disposition(name, "text/html")
    assert said == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
    assert to_disposition("a.svg", "image/svg+xml").startswith("attachment")


def test_payloads_in_names_and_words_are_words(serve: Callable[..., Served], things: Path) -> None:
    name = "<img src=x onerror=alert(1)>.txt"
    (things / name).write_text("a magenta <script>alert(1)</script> wall")
    served = serve()
    asked = {"text": "magenta", "target": "text", "top_k": 1}
    answer = served.client.post("/v1/search", json=asked)
    hit = answer.json()["hits"][0]
    assert hit["snippet"] == "a magenta <script>alert(1)</script> wall"
    assert hit["source_uri"].endswith("/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E.txt")
    assert answer.headers["content-type"] == "application/json"
    original = served.client.get(f"/v1/items/{hit['point_id']}/original")
    assert original.headers["content-disposition"].startswith('attachment; filename="_img')


def test_a_changed_original_is_not_handed_out(served: Served, things: Path) -> None:
    point_id = served.point_id("a red rose", target="text")
    (things / "rose.txt").write_text("a secret")
    answer = served.client.get(f"/v1/items/{point_id}/original")
    assert answer.status_code == 404
    assert str(things) not in answer.text
    assert "secret" not in answer.text


def test_operators_are_told(served: Served) -> None:
    get = served.client.get
    assert get("/healthz").json() == {"status": "ok"}
    assert get("/readyz").json() == {"status": "ok"}
    assert get("/version").json()["version"]
    status = get("/v1/status").json()
    assert (status["images"], status["texts"]) == (5, 4)
    metrics = get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'diptych_http_requests_total{method="GET",route="/readyz",status="200"} 1.0' in (
        metrics.text
    )
    assert "diptych_index_points 9.0" in metrics.text


def test_a_small_collection_has_no_map(served: Served) -> None:
    answer = served.client.get("/v1/map")
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        assert {"point_id", "modality", "x", "y", "title"} == set(answer.json()["points"][0])


def test_a_draining_server_is_not_ready(served: Served) -> None:
    served.app.state.draining.set()
    answer = served.client.get("/readyz")
    assert answer.status_code == 503
    assert served.client.get("/healthz").status_code == 200


def test_locations_stay_here(serve: Callable[..., Served], things: Path) -> None:
    hidden, shown = serve(), serve(show_locations=True)
    asked = {"text": "red", "target": "image"}
    assert str(things) not in hidden.client.post("/v1/search", json=asked).text
    assert str(things) not in hidden.client.get("/v1/status").text
    assert str(things) in shown.client.post("/v1/search", json=asked).text


def test_long_answers_are_compressed_and_pictures_are_not(served: Served) -> None:
    page = served.client.post("/v1/search", json={"text": "red"})
    assert page.headers["content-encoding"] == "gzip"
    point_id = served.point_id("red", target="image", where="media_type = image/jpeg")
    picture = served.client.get(f"/v1/items/{point_id}/original")
    assert "content-encoding" not in picture.headers


def test_every_answer_has_a_policy(served: Served) -> None:
    for path in ("/healthz", "/nope", "/v1/search?q=red"):
        answer = served.client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
