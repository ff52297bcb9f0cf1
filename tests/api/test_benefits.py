"""The offers of partners, for anyone who asks."""

import pytest

from demo.benefits import demo_offers, seed
from tests.api.stage import Service

PAGE = {"accept": "text/html", "accept-language": "nl"}


@pytest.fixture
def offering(service: Service) -> Service:
    """The service with the offers of the demo."""
    seed(service.deployment.database_url, now=service.clock())
    return service


def test_offers_are_found_by_words_kind_and_place(offering: Service) -> None:
    everything = offering.http.get("/api/v1/benefits")
    assert everything.headers["cache-control"] == "public, max-age=300"
    assert everything.json()["total"] == len(demo_offers(offering.clock().date()))
    asked = {"q": "korting", "category": "books", "province": "BE-VOV", "near": "9000"}
    [books] = offering.http.get("/api/v1/benefits", params=asked).json()["benefits"]
    assert books["title"]["nl"] == "5 % korting op alle boeken"
    assert books["places"][0]["town"] == "Gent"
    assert books["places"][0]["distance_km"] < books["places"][1]["distance_km"]
    page = offering.http.get("/api/v1/benefits", params={"offset": 5, "limit": 2}).json()
    assert page["benefits"] == everything.json()["benefits"][5:7]


def test_an_empty_form_asks_for_everything(offering: Service) -> None:
    answer = offering.http.get("/benefits?q=&category=&province=&near=", headers=PAGE)
    assert answer.status_code == 200
    assert "12 voordelen" in answer.text
    assert "Theater Het Voetlicht (demo)" in answer.text


def test_what_was_asked_stands_in_the_form_again_and_is_harmless(offering: Service) -> None:
    asked = {"q": '"><script>alert(1)</script>', "near": "3500", "province": "BE-VLI"}
    answer = offering.http.get("/benefits", params=asked, headers=PAGE)
    assert "<script>" not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text
    assert '<option value="BE-VLI" selected>' in answer.text
    assert 'name="near" value="3500"' in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        {"near": "300"},
        {"near": "Gent"},
        {"category": "zoo"},
        {"province": "BE-XXX"},
        {"q": "x" * 101},
        {"limit": "1000"},
        {"offset": "-1"},
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem(
    offering: Service, asked: dict[str, str]
) -> None:
    answer = offering.http.get("/api/v1/benefits", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
